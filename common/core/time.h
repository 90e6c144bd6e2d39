#pragma once
// Time as values. Nothing here can ask what time it is: the core is told (see common/io/clock.h).

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reversi {

using Millis = std::chrono::milliseconds;

/// Monotonic time in whole milliseconds. It has no now() on purpose: the core is told the time.
struct MonoClock {
  using duration = Millis;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoClock>;
  static constexpr bool is_steady = true;
};
using MonoTime = MonoClock::time_point;

/// Wall time in milliseconds since the Unix epoch; only for what people and files read, never for a
/// decision: routers boot with their clock unset.
using WallTime = std::chrono::sys_time<Millis>;

/// The earlier of two times that may never come.
[[nodiscard]] constexpr std::optional<MonoTime> earlier(std::optional<MonoTime> a,
                                                        std::optional<MonoTime> b) {
  if (!a || !b) return a ? a : b;
  return *a < *b ? a : b;
}

/// RFC 3339 in UTC with milliseconds: "2026-11-20T14:02:07.123Z".
[[nodiscard]] std::string format_rfc3339(WallTime time);
void append_rfc3339(std::string& out, WallTime time);

/// Reads what format_rfc3339() writes (fraction of 0 to 9 digits, "Z" only); nothing else.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace reversi

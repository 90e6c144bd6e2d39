#pragma once
// How much of the last day and month each forward could be used, as far as the event log tells.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/core/time.h"
#include "server/core/events.h"

namespace reversi::server {

inline constexpr std::array<Millis, 2> kWindows{std::chrono::hours{24}, std::chrono::days{30}};

/// One forward in one window that ends now. What nobody knows counts neither way: the time before
/// the record begins, while the node was disabled, after an agent that died without a word.
struct Availability {
  Millis window{0};
  Millis known{0};      ///< so much of the window is on record
  Millis available{0};  ///< and of that the forward was healthy or slow
  std::optional<WallTime>
      since;  ///< where the record begins within the window; nothing = no record

  friend bool operator==(const Availability&, const Availability&) = default;
};

struct ForwardAvailability {
  std::string forward;
  std::array<Availability, kWindows.size()> windows;  ///< as kWindows
};

/// @param events        All of the node's, oldest first.
/// @param silent_since  When the node was last heard of, if it has no live session now.
[[nodiscard]] std::vector<ForwardAvailability> judge_availability(
    const std::vector<Event>& events, const std::vector<std::string>& forwards,
    std::optional<WallTime> silent_since, WallTime now);

/// In hundredths of a percent, rounded down: 10,000 only if nothing was missed. Nothing on record:
/// nothing.
[[nodiscard]] std::optional<int> basis_points(const Availability& availability);

/// "24 h 99.98 %, 30 d 98.50 % (since 3 d 4 h)"; "no record".
[[nodiscard]] std::string format_availability(const ForwardAvailability& forward, WallTime now);
[[nodiscard]] nlohmann::json availability_to_json(const ForwardAvailability& forward);

}  // namespace reversi::server

#pragma once

#include <cstdint>
#include <string_view>

#include "common/core/time.h"

namespace reversi {

/// How long to wait between attempts. The server's welcome sets it (SessionPolicy, protocol.h).
struct BackoffPolicy {
  Millis first{1000};
  Millis longest{60'000};
  /// Attempts of a whole fleet that lost its server at once are spread over this long.
  Millis spread{0};

  friend bool operator==(const BackoffPolicy&, const BackoffPolicy&) = default;
};

/// A number in [0, 1) that depends on nothing but its arguments, so that a log line can be
/// replayed.
[[nodiscard]] double unit_hash(std::string_view seed, std::uint64_t count);

/// 1, 2, 4 … 60 s with a jitter of ±20 %, by `failures` in a row (1 = the first failure).
[[nodiscard]] Millis backoff_delay(const BackoffPolicy& policy, std::string_view node,
                                   int failures);

/// The first retry after a stable session was lost on our side (worker died, reset, dead path):
/// anywhere within min(spread, 2 s).
[[nodiscard]] Millis delay_after_own_loss(const BackoffPolicy& policy, std::string_view node,
                                          std::uint64_t count);

/// The first retry after the server closed a stable session or said `draining`: anywhere in spread.
[[nodiscard]] Millis delay_after_server_close(const BackoffPolicy& policy, std::string_view node,
                                              std::uint64_t count);

/// No TCP answer at all, so the server has no load from us: 1, 2, 4, 8, 8 … s.
[[nodiscard]] Millis delay_without_answer(int attempts);

}  // namespace reversi

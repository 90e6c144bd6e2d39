#pragma once

#include <cstddef>
#include <optional>

#include "common/core/time.h"

namespace reversi::server {

/// How fast a client may send lines: a bucket of 64 + 8 × forwards, refilled at 20 a second. An
/// empty bucket is no offence: the agent stops reading, and the pipe pushes back. A minute of that
/// is.
class LineRate {
 public:
  explicit LineRate(MonoTime now) : counted_(now) {}

  void set_forwards(std::size_t forwards);
  /// A line was read.
  void take(MonoTime now);
  /// Nothing may be read before this moment.
  [[nodiscard]] MonoTime next_read(MonoTime now) const;
  /// The bucket has been empty, or refilled by a trickle only, for too long.
  [[nodiscard]] bool is_abused(MonoTime now) const;

 private:
  void refill(MonoTime now);

  // In milliseconds of refill: one line costs kLineCost.
  Millis capacity_{64 * 50};
  Millis level_{64 * 50};
  MonoTime counted_;
  std::optional<MonoTime> empty_since_;
};

}  // namespace reversi::server

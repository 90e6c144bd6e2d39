#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/core/time.h"

namespace reversi::client {

/// How much the server may send on one channel before it is told that there is room for more
/// (RFC 4254, 5.2). On a line with a long round trip the window, not the line, limits a stream: it
/// carries one window a round trip at most. So a stream that takes what it gets, and fills its window
/// within a round trip, is given a wider one.
class ReceiveWindow {
 public:
  /// What libssh 0.10 opens by itself, in bytes; enough for 500 Mbit/s at 20 ms.
  static constexpr std::uint32_t kLeast = 1'280'000;
  static constexpr std::uint64_t kBytesPerLook = 256 * 1024;
  static constexpr std::uint32_t kUsedPart = 8;  // of a wider window; then it is opened again
  static constexpr Millis kShortestSpan{50};  // over which a speed is measured
  static constexpr Millis kShortWay{10};      // on which the least is enough for 1 Gbit/s

  /// Bytes went on to the target. True: look() may have something to say.
  [[nodiscard]] bool passed(std::size_t bytes);
  /// @param round_trip  between the two ends of the session
  /// @param most        bytes that the window may grow to
  /// @returns the window to open now, in bytes; none: leave it to libssh
  [[nodiscard]] std::optional<std::uint32_t> look(MonoTime now, Millis round_trip,
                                                  std::uint32_t most);
  /// What look() last said, in bytes.
  [[nodiscard]] std::uint32_t size() const { return size_; }

 private:
  std::uint32_t size_ = kLeast;
  std::uint64_t since_look_ = 0;    // bytes
  std::uint64_t since_opened_ = 0;  // bytes
  std::uint64_t in_span_ = 0;       // bytes
  std::optional<MonoTime> span_began_;
};

}  // namespace reversi::client

#include "client/core/receive_window.h"

#include <algorithm>

namespace reversi::client {

bool ReceiveWindow::passed(std::size_t bytes) {
  since_look_ += bytes;
  since_opened_ += bytes;
  in_span_ += bytes;
  return since_look_ >= kBytesPerLook;
}

std::optional<std::uint32_t> ReceiveWindow::look(MonoTime now, Millis round_trip,
                                                 std::uint32_t most) {
  since_look_ = 0;
  if (!span_began_) span_began_ = now;
  const Millis span = now - *span_began_;
  bool is_wider = false;
  if (span >= std::max(kShortestSpan, round_trip)) {
    // Twice what a round trip brought: if the window was the limit, that is twice the window.
    const std::uint64_t wanted = 2 * in_span_ * static_cast<std::uint64_t>(round_trip.count()) /
                                 static_cast<std::uint64_t>(span.count());
    const auto granted = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, most));
    is_wider = round_trip >= kShortWay && granted > size_ + size_ / 4;
    if (is_wider) size_ = granted;
    span_began_ = now;
    in_span_ = 0;
  }
  // libssh knows nothing of a wider one, and the server must never wait for more.
  const bool is_used = size_ > kLeast && since_opened_ >= size_ / kUsedPart;
  if (!is_wider && !is_used) return std::nullopt;
  since_opened_ = 0;
  return size_;
}

}  // namespace reversi::client

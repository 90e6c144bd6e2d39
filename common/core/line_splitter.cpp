#include "common/core/line_splitter.h"

#include <algorithm>

namespace reversi {

void LineSplitter::feed(std::string_view bytes) {
  if (overlong_) return;
  buffer_.erase(0, start_);
  scanned_ -= start_;
  start_ = 0;
  buffer_ += bytes;
}

std::optional<std::string_view> LineSplitter::next() {
  if (overlong_) return std::nullopt;
  const std::size_t end = buffer_.find('\n', scanned_);
  const std::size_t length = std::min(end, buffer_.size()) - start_;
  if (length > limit_) {
    overlong_ = true;
    buffer_.clear();
    buffer_.shrink_to_fit();
    return std::nullopt;
  }
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    return std::nullopt;
  }
  std::string_view line(buffer_.data() + start_, length);
  start_ = scanned_ = end + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace reversi

#pragma once

#include <string_view>

namespace reversi::server {

/// Cuts off the first line, and returns it without its newline.
inline std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
  return line;
}

}  // namespace reversi::server

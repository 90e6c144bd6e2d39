#pragma once
// Text measured and cut in columns of a terminal, where each character takes one.

#include <cstddef>
#include <string>
#include <string_view>

namespace reversi::server {

[[nodiscard]] std::size_t columns(std::string_view text);
/// At most `width` columns; "…" where something is missing.
[[nodiscard]] std::string clip(std::string_view text, std::size_t width);
/// Clipped, and filled with spaces to `width`.
[[nodiscard]] std::string pad(std::string_view text, std::size_t width);

enum class Colour { none, red, green, yellow, cyan, faint };
/// The text in this colour, or as it is where there are no colours. Colour last: columns() would
/// count its bytes.
[[nodiscard]] std::string paint(std::string_view text, Colour colour, bool has_colour);

}  // namespace reversi::server

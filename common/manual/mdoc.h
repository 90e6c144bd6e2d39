#pragma once
// Text in mdoc, the language of manual pages: mandoc(1) and groff(1) read it.

#include <string>
#include <string_view>

namespace reversi::manual {

/// Prose of one or several lines. Backslashes and characters beyond ASCII are escaped, and so is what would make a
/// line a macro; hyphens stay, for the formatter to break lines at.
[[nodiscard]] std::string prose(std::string_view text);

/// What is typed: as prose, with every hyphen a minus, so that it can be copied from the page.
[[nodiscard]] std::string typed(std::string_view text);

/// One argument of a macro, in quotes where it needs them.
[[nodiscard]] std::string argument(std::string_view text);

/// A block shown as it stands.
[[nodiscard]] std::string literal_block(std::string_view text);

}  // namespace reversi::manual

#pragma once
// The Markdown that docs/ uses, as mdoc: headings, paragraphs, lists, tables, code and bold words.

#include <string>
#include <string_view>

namespace reversi::manual {

/// Everything below the first heading of the first level.
[[nodiscard]] std::string mdoc_of_markdown(std::string_view text);

}  // namespace reversi::manual

#pragma once
// A page is a template under docs/man: prose written by hand, and lines `@NAME@` where what comes from
// the code is put.

#include <map>
#include <string>
#include <string_view>

#include "common/core/error.h"

namespace reversi::manual {

using Parts = std::map<std::string, std::string>;

/// Puts each part in the place of its line.
/// @errors  config  a line that names no part, or a part that no line names
[[nodiscard]] Result<std::string> fill(std::string_view page, const Parts& parts);

/// Breaks the lines of text that mandoc calls too long; macros and literal blocks stay as they are.
[[nodiscard]] std::string wrap(std::string_view page);

/// Reads `page`, fills and wraps it and writes `out`; 0, or 1 after one line on stderr.
[[nodiscard]] int write_page(const std::string& page, const std::string& out, const Parts& parts);
[[nodiscard]] int write_text(const std::string& out, const std::string& text);

}  // namespace reversi::manual

#pragma once

#include <string_view>

namespace reversi {

/// Whether the whole text matches: `*` is any run of characters, `?` is one byte, all else is
/// itself. Time at most pattern × text.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace reversi

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reversi {

/// The known word that `word` was probably meant to be: the one with the fewest edits (insert,
/// drop, replace, swap neighbours), if these are at most a third of its length, and one at least.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      const std::vector<std::string_view>& known);

/// " (did you mean \"forwards\"?)", or nothing where no known word is near.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string_view>& known);

}  // namespace reversi

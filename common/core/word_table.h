#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace reversi {

/// An enum and its words on the wire, one row each.
template <class Enum, std::size_t N>
struct WordTable {
  std::array<std::pair<Enum, std::string_view>, N> rows;

  [[nodiscard]] constexpr std::string_view name(Enum value) const {
    for (const auto& [key, word] : rows) {
      if (key == value) return word;
    }
    return "?";
  }
  [[nodiscard]] constexpr std::optional<Enum> parse(std::string_view word) const {
    for (const auto& [key, name] : rows) {
      if (name == word) return key;
    }
    return std::nullopt;
  }
};

}  // namespace reversi

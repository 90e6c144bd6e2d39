#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace reversi::bench {

/// What every stream carries: random bytes that repeat after a prime number of them, so that a block
/// that is lost, doubled or moved shows, whatever size programs cut streams into.
class Pattern {
 public:
  static constexpr std::size_t kPeriod = 1'048'573;
  static constexpr std::size_t kLongestPart = std::size_t{256} * 1024;

  Pattern() : bytes_(kPeriod + kLongestPart) {
    std::uint64_t state = 0x9e3779b97f4a7c15;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      bytes_[i] = i < kPeriod ? static_cast<char>(state >> 56U) : bytes_[i - kPeriod];
    }
  }

  /// Its bytes from `offset` of a stream on; at most kLongestPart of them.
  [[nodiscard]] std::span<const char> at(std::uint64_t offset, std::size_t size) const {
    return std::span(bytes_).subspan(offset % kPeriod, std::min(size, kLongestPart));
  }
  [[nodiscard]] bool matches(std::uint64_t offset, std::span<const char> part) const {
    return std::memcmp(at(offset, part.size()).data(), part.data(), part.size()) == 0;
  }

 private:
  std::vector<char> bytes_;
};

inline const Pattern& pattern() {
  static const Pattern made;
  return made;
}

/// For streams whose content nobody looks at.
inline std::span<const char> bulk() {
  return pattern().at(0, Pattern::kLongestPart);
}

}  // namespace reversi::bench

#include "common/core/nearest.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace reversi {
namespace {

constexpr std::size_t kLongestWord = 64;  // a longer one is no typing mistake

/// Optimal string alignment distance: one row of the table at a time, two kept for the swaps.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& known) {
  std::optional<std::string_view> best;
  if (word.empty() || word.size() > kLongestWord) return best;
  std::size_t fewest = 0;
  for (const std::string_view candidate : known) {
    const std::size_t count = edits(word, candidate);
    const std::size_t most = std::max<std::size_t>(1, candidate.size() / 3);
    if (count > most || (best && count >= fewest)) continue;
    best = candidate;
    fewest = count;
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
  const auto found = nearest(word, known);
  return found ? " (did you mean \"" + std::string(*found) + "\"?)" : std::string{};
}

}  // namespace reversi

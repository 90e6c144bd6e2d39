#include "server/core/key_index.h"

#include "server/core/take_line.h"

namespace reversi::server {
namespace {

constexpr std::string_view kFormat = "reversi-key-index-1";
constexpr std::size_t kHashDigits = 64;

std::string_view take_entry(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size() < line.size() ? word.size() + 1 : word.size());
  return word;
}

}  // namespace

std::string format_key_index(const KeyIndex& index) {
  std::string text = std::string(kFormat) + ' ' + index.directory_stamp + '\n';
  for (const IndexedNode& node : index.nodes) {
    text += node.node + ' ' + node.stamp;
    for (const std::string& hash : node.hashes) text += ' ' + hash;
    text += '\n';
  }
  return text;
}

KeyIndex parse_key_index(std::string_view text) {
  KeyIndex index;
  index.directory_stamp = directory_stamp_of(text);
  if (index.directory_stamp.empty()) return index;
  take_line(text);
  while (!text.empty()) {
    std::string_view line = take_line(text);
    IndexedNode node;
    node.node = take_entry(line);
    node.stamp = take_entry(line);
    if (!NodeName::parse(node.node) || node.stamp.empty()) continue;
    while (!line.empty()) node.hashes.emplace_back(take_entry(line));
    index.nodes.push_back(std::move(node));
  }
  return index;
}

std::optional<NodeName> node_in_index(std::string_view text, std::string_view hash) {
  if (hash.size() != kHashDigits || directory_stamp_of(text).empty()) return std::nullopt;
  const std::size_t at = text.find(hash);
  if (at == std::string_view::npos) return std::nullopt;
  const std::size_t before = text.rfind('\n', at);
  if (before == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(before + 1);
  auto node = NodeName::parse(take_entry(line));
  if (!node) return std::nullopt;
  return *std::move(node);
}

std::string_view directory_stamp_of(std::string_view text) {
  std::string_view line = take_line(text);
  return take_entry(line) == kFormat ? line : std::string_view{};
}

bool is_index_fresh(std::string_view text, std::string_view directory_stamp,
                    std::optional<WallTime> checked, WallTime now) {
  if (!checked || directory_stamp.empty() || directory_stamp_of(text) != directory_stamp)
    return false;
  // A check in the future was made before the clock was set.
  return *checked <= now && now - *checked < kIndexBelieved;
}

}  // namespace reversi::server

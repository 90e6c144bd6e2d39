#pragma once
// Which node holds a key, without reading every node.json: a text that is only ever a hint. Whoever
// finds a node by it asks that node's own node.json before believing it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/names.h"
#include "common/core/time.h"

namespace reversi::server {

/// One node.json as it was read: another `stamp` means another file.
struct IndexedNode {
  std::string node;
  std::string stamp;                ///< no blanks; "-": to be read again next time
  std::vector<std::string> hashes;  ///< to_hex(digest_of(key))

  friend bool operator==(const IndexedNode&, const IndexedNode&) = default;
};

/// key-index: a line of its own format and of the nodes directory's stamp, then "NODE STAMP HASH…" a
/// node.
struct KeyIndex {
  std::string directory_stamp;
  std::vector<IndexedNode> nodes;

  friend bool operator==(const KeyIndex&, const KeyIndex&) = default;
};
[[nodiscard]] std::string format_key_index(const KeyIndex& index);
/// What cannot be read is left out: it is only a hint.
[[nodiscard]] KeyIndex parse_key_index(std::string_view text);

/// Looked up in the text itself: a login should cost the same with 10 nodes and with 10,000.
[[nodiscard]] std::optional<NodeName> node_in_index(std::string_view text, std::string_view hash);
[[nodiscard]] std::string_view directory_stamp_of(std::string_view text);

/// How long an index that names no node for a key is believed although files may have been changed by
/// hand: unknown keys cost one look at all nodes in this time, however many knock.
inline constexpr Millis kIndexBelieved{5'000};
/// @param checked  When the index was last compared with all files; nothing if never.
[[nodiscard]] bool is_index_fresh(std::string_view text, std::string_view directory_stamp,
                                  std::optional<WallTime> checked, WallTime now);

}  // namespace reversi::server

#pragma once
// Whose key is this? For sshd, at every login.

#include <optional>

#include "common/core/time.h"
#include "server/core/node.h"
#include "server/io/state_dir.h"

namespace reversi::server {

/// The node that holds this key, enabled or not. STATE_DIR/key-index says where to look, and the
/// node's own node.json has the last word. A key that the index does not name costs a look at the
/// age of every node.json, at most once in kIndexBelieved or after a verb changed a node; only files
/// that changed are read. A disk that takes no writes changes nothing but the cost.
[[nodiscard]] std::optional<NodeRecord> find_node_of_key(const StateDir& state,
                                                         const PublicKey& key, WallTime now);

}  // namespace reversi::server

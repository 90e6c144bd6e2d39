#pragma once
// The keys of one node on disk, as its agent changes them: node.json and the lines for sshd.

#include <string>

#include "common/core/error.h"
#include "server/core/node.h"
#include "server/io/state_dir.h"

namespace reversi::server {

/// Lets the key that a node offers in beside its present ones.
/// @param text  As the node sent it; any bytes.
/// @errors  refused  no ed25519 key, or the node is disabled;  exists  another node's key, or one
///          that sshd knows from a line of its own;  timeout, io
[[nodiscard]] Result<void> let_key_in(const StateDir& state, const NodeName& node,
                                      const std::string& text);

/// After a login with the key of this blob: if it is in rotation, the node's other keys go. True = they went.
[[nodiscard]] Result<bool> settle_key(const StateDir& state, const NodeName& node,
                                      const std::string& blob);

}  // namespace reversi::server

#pragma once
// A node's key in rotation: what node.json says before, between and after.
//
//   keys [old]                      admit()   the node has made a key
//   keys [old, new]  next_key new   begin_settling()   it has logged in with it
//   keys [new]       next_key new   the old one's line is taken out
//   keys [new]
//
// Each step is saved before the next: whatever is interrupted is done again by the next login with
// the new key, or by the next `node rotate-key`.

#include <string_view>

#include "common/core/error.h"
#include "server/core/node.h"

namespace reversi::server {

/// A key as a node offers it: ed25519, exactly one.
/// @errors  refused  anything else
[[nodiscard]] Result<PublicKey> parse_offered_key(std::string_view text);

/// The record with this key beside the present ones. A former one in rotation, which was never used, goes.
/// @errors  exists  it is the node's only key already
[[nodiscard]] Result<NodeRecord> admit_next_key(const NodeRecord& record, const PublicKey& key);

/// Whether a login with the key of this blob ends a rotation.
[[nodiscard]] bool ends_rotation(const NodeRecord& record, std::string_view blob);
/// The new key alone, still in rotation.
[[nodiscard]] NodeRecord begin_settling(const NodeRecord& record);

}  // namespace reversi::server

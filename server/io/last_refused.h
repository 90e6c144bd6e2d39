#pragma once
// Who was refused a node's name last, and why: by its agent, by an agent that refused a newcomer, or,
// where sshd tells addresses to `keys`, by the key's own from=.

#include <optional>
#include <string>

#include "common/core/status.h"
#include "common/core/time.h"
#include "server/io/state_dir.h"

namespace reversi::server {

/// The latest of status.json, refused.json and events.jsonl.
[[nodiscard]] std::optional<RefusedStatus> load_last_refused(const StateDir& state,
                                                             const NodeName& node);

/// nodes/NAME/refused.json, rewritten at most once a minute: anybody may knock with a public key. It is
/// no event, because events that others can cause push older ones out.
void note_refused(const StateDir& state, const NodeName& node, const std::string& address,
                  const std::string& reason, WallTime now);

}  // namespace reversi::server

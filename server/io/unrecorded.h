#pragma once
// Sessions of a node that no session.json names: one that began while the disk was full, or one that holds the node's
// port without an agent (`ssh -N -R` with its key).

#include <sys/types.h>

#include <vector>

#include "common/core/error.h"
#include "common/core/time.h"
#include "server/core/node.h"
#include "server/io/sshd_process.h"

namespace reversi::server {

/// Ends those of this uid, sshd and agent.
/// @param agents  agents_of() the node before its recorded session was ended: one that came since may stay.
/// @param ports   The node's; whoever of ours holds one is its session.
/// @param limit   For the search for each port's holder.
/// @returns how many were ended.
/// @errors  permission, timeout  one could not be ended, or a port's holder not be found
[[nodiscard]] Result<int> end_unrecorded(const std::vector<ProcessInfo>& agents,
                                         const std::vector<Port>& ports, uid_t uid, Millis limit);

}  // namespace reversi::server

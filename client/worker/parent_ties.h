#pragma once
// The worker dies with its parent, and ends a parent that hangs. A change of user cuts both ties; these keep them.

#include <sys/types.h>

#include "common/core/error.h"

namespace reversi::worker {

/// At the start: has the kernel SIGKILL us when `parent` ends. False: it has ended.
[[nodiscard]] bool tie_to_parent(pid_t parent);

/// Before the change of user: lets what mend_parent_ties() needs survive it.
void keep_parent_ties();

/// After it: drops every privilege but that to take up CAP_KILL (if we had it), and has the kernel SIGKILL us when
/// `parent` ends.
/// @errors  permission  the privileges cannot be given up
///          not_found   the parent has ended
[[nodiscard]] Result<void> mend_parent_ties(pid_t parent);

/// SIGKILLs the parent that hangs, whoever's it is. The last thing that we do.
void end_parent(pid_t parent);

}  // namespace reversi::worker

// macOS has neither a parent-death signal nor capabilities. The worker sees its parent's end as the end of its commands,
// and a root supervisor that hangs is for launchd to end where the worker has left root.

#include <signal.h>
#include <unistd.h>

#include "client/worker/parent_ties.h"

namespace reversi::worker {

bool tie_to_parent(pid_t parent) {
  return ::getppid() == parent;
}

void keep_parent_ties() {}

Result<void> mend_parent_ties(pid_t parent) {
  if (::getppid() != parent) return fail(Errc::not_found, "the supervisor is gone");
  return {};
}

void end_parent(pid_t parent) {
  ::kill(parent, SIGKILL);
}

}  // namespace reversi::worker

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "client/worker/parent_ties.h"
#include "common/io/system_error.h"

namespace reversi::worker {
namespace {

/// The system call itself: libcap would be a dependency for two words.
bool set_capabilities(unsigned permitted, unsigned effective) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  sets[CAP_TO_INDEX(CAP_KILL)].permitted = permitted;
  sets[CAP_TO_INDEX(CAP_KILL)].effective = effective;
  return ::syscall(SYS_capset, &header, sets.data()) == 0;
}

}  // namespace

bool tie_to_parent(pid_t parent) {
  return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == parent;
}

void keep_parent_ties() {
  ::prctl(PR_SET_KEEPCAPS, 1);  // fails for nobody who can change the user
}

Result<void> mend_parent_ties(pid_t parent) {
  // A container may have started us without it: then a supervisor that hangs is for its init to end.
  if (!set_capabilities(CAP_TO_MASK(CAP_KILL), 0) && !set_capabilities(0, 0)) {
    return fail(errno_error(errno, "give up root's privileges"));
  }
  const bool is_tied = tie_to_parent(parent);  // setuid() has cleared it (prctl(2))
  ::prctl(PR_SET_KEEPCAPS, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (!is_tied) return fail(Errc::not_found, "the supervisor is gone");
  return {};
}

void end_parent(pid_t parent) {
  // Fails where it was never permitted; then the parent is of our own account, or for its init to end.
  set_capabilities(CAP_TO_MASK(CAP_KILL), CAP_TO_MASK(CAP_KILL));
  ::kill(parent, SIGKILL);
}

}  // namespace reversi::worker

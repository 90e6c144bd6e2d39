#pragma once
// The sshd process of a session: the one above this agent, and those that might hold a port which
// no session.json explains. An unprivileged process of the same uid may signal them and read stat
// and status in /proc, nothing more (they are not dumpable).

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/time.h"
#include "common/io/unique_fd.h"
#include "server/core/eviction.h"
#include "server/core/node.h"

namespace reversi::server {

/// What /proc says of one process.
struct ProcessInfo {
  ProcessId id;
  pid_t parent = 0;
  uid_t uid = 0;
  char state = '?';  ///< as in /proc/PID/stat: R S D T t Z X
  std::string name;  ///< at most 15 bytes; "sshd", "sshd-session"
  std::uint64_t voluntary_switches = 0;

  [[nodiscard]] bool is_stopped() const { return state == 'T' || state == 't'; }
  /// A zombie has given everything back; it only waits to be counted.
  [[nodiscard]] bool is_gone() const { return state == 'Z' || state == 'X'; }
};

/// Nothing when there is no such process, or it is not ours to see (hidepid).
[[nodiscard]] std::optional<ProcessInfo> process_info(std::int64_t pid);

/// The agents of this node in this state directory that run as this uid, whatever session.json says.
[[nodiscard]] std::vector<ProcessInfo> agents_of(const NodeName& node, const std::string& state_dir,
                                                 uid_t uid);

/// `sshd` and, from OpenSSH 9.8 on, `sshd-session` and `sshd-auth`.
[[nodiscard]] bool is_sshd_name(std::string_view name);

/// The sshd processes of this uid that have no child. A session with an agent is no candidate: its
/// agent is the child.
[[nodiscard]] std::vector<HolderCandidate> childless_sshds(uid_t uid);

/// The process above a forced command: sshd itself, because the command is started with `exec`.
/// It is the process of its pid for as long as it is our parent: with its end we are given another.
struct ParentProcess {
  std::int64_t pid = 0;
  /// Nothing where /proc hides it (hidepid): an sshd is not dumpable, so not even its own uid sees
  /// it. A shell is seen.
  std::optional<ProcessId> id;
  UniqueFd pidfd;        ///< readable once it has ended; empty on a kernel without pidfds
  bool is_sshd = false;  ///< false: started by hand or through a shell; never to be signalled

  [[nodiscard]] bool is_there() const;
  void signal(int number) const;  ///< only an sshd
  /// False: `limit` was over first.
  [[nodiscard]] bool wait_for_end(Millis limit) const;
};
/// @param look  How /proc is asked.
/// @errors  not_found  the parent went away while we looked
[[nodiscard]] Result<ParentProcess> hold_parent(
    const std::function<std::optional<ProcessInfo>(std::int64_t)>& look = process_info);

}  // namespace reversi::server

#pragma once
// The client's directories and the small files in them. A read-only or full state directory never
// stops a tunnel: what cannot be kept is made anew.

#include <map>
#include <string>
#include <vector>

#include "client/core/client_config.h"
#include "client/core/tunnel.h"
#include "common/core/error.h"
#include "common/core/protocol.h"
#include "common/io/unique_fd.h"

namespace reversi::client {

/// The configured run_dir; else root: default_run_root()/NODE, else $XDG_RUNTIME_DIR/reversi/NODE, else
/// the state directory.
[[nodiscard]] std::string run_dir_of(const ClientConfig& config);

/// `instance` (kept in the state directory; made and written if missing), a fresh `run`, and what
/// this machine and program are.
[[nodiscard]] Identity load_identity(const std::string& state_dir);

/// The last policy a server gave, or the defaults if there is none or it cannot be read.
[[nodiscard]] SessionPolicy load_policy(const std::string& state_dir);
/// Written only when changed: flash wears out.
[[nodiscard]] Result<void> save_policy(const std::string& state_dir, const SessionPolicy& policy);

/// Agent-free: the sshd processes that served us last, by server; kept as former.json. That of another
/// machine, whose disk was copied, is none of ours.
using FormerSessions = std::map<std::string, ServerProcess>;
/// @param addresses  hardware_addresses() of this machine
[[nodiscard]] FormerSessions load_former(const std::string& state_dir,
                                         const std::vector<std::string>& addresses);
[[nodiscard]] Result<void> save_former(const std::string& state_dir, const FormerSessions& former,
                                       const std::vector<std::string>& addresses);

/// Takes run_dir/lock for the life of the descriptor and writes our pid into it.
/// @errors  exists  another supervisor holds it, named by its pid
[[nodiscard]] Result<UniqueFd> take_lock(const std::string& run_dir);

struct LockHolder {
  bool is_held = false;
  pid_t pid = 0;  ///< 0 = unknown: not written, or by another account
};
[[nodiscard]] LockHolder lock_holder(const std::string& run_dir);

/// What state_dir/supervisor.lock says of its holder.
struct HolderNote {
  std::string node;
  std::string run_dir;
};

/// Takes state_dir/supervisor.lock, so that one state directory serves one supervisor even if cron and a login shell
/// disagree about run_dir, and notes the holder in it.
/// @errors  exists  another supervisor uses the state directory
///          others  the lock cannot be had; nobody else holds it
[[nodiscard]] Result<UniqueFd> take_state_lock(const std::string& state_dir,
                                               const HolderNote& note);
/// Writes only what changed.
void note_holder(const UniqueFd& state_lock, const HolderNote& note);

/// The supervisor of this configuration, wherever its run_dir is.
struct FoundSupervisor {
  LockHolder holder;
  std::string run_dir;  ///< its own; run_dir_of() if none runs
};
[[nodiscard]] FoundSupervisor find_supervisor(const ClientConfig& config);

}  // namespace reversi::client

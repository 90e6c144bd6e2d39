#pragma once
// The client's directories and the small files in them. A read-only or full state directory never
// stops a tunnel: what cannot be kept is made anew.

#include <string>

#include "client/core/client_config.h"
#include "client/core/tunnel.h"
#include "common/core/error.h"
#include "common/core/protocol.h"
#include "common/io/unique_fd.h"

namespace reversi::client {

/// The configured run_dir; else root: /run/reversi/NODE, else $XDG_RUNTIME_DIR/reversi/NODE, else the
/// state directory.
[[nodiscard]] std::string run_dir_of(const ClientConfig& config);

/// `instance` (kept in the state directory; made and written if missing), a fresh `run`, and what
/// this machine and program are.
[[nodiscard]] Identity load_identity(const std::string& state_dir);

/// The last policy a server gave, or the defaults if there is none or it cannot be read.
[[nodiscard]] SessionPolicy load_policy(const std::string& state_dir);
/// Written only when changed: flash wears out.
[[nodiscard]] Result<void> save_policy(const std::string& state_dir, const SessionPolicy& policy);

/// Takes run_dir/lock for the life of the descriptor and writes our pid into it.
/// @errors  exists  another supervisor holds it, named by its pid
[[nodiscard]] Result<UniqueFd> take_lock(const std::string& run_dir);

struct LockHolder {
  bool is_held = false;
  pid_t pid = 0;  ///< 0 = unknown
};
[[nodiscard]] LockHolder lock_holder(const std::string& run_dir);

}  // namespace reversi::client

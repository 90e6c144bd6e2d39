#pragma once

#include "common/core/error.h"
#include "common/core/exit_code.h"
#include "server/cli/admin.h"

namespace reversi::server {

/// setup --system: account, state directory, sshd drop-in. Nothing stays changed unless a login to a
/// throw-away sshd has proven the drop-in.
[[nodiscard]] Result<ExitCode> setup_system(const AdminOptions& options, bool dry_run);

}  // namespace reversi::server

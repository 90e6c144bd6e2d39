#pragma once
// The shell around the tunnel's state machine: it performs the actions, owns the timers, the signals,
// the worker and the control socket, and decides nothing.

#include "client/io/config_file.h"
#include "common/core/error.h"
#include "common/core/exit_code.h"

namespace reversi::client {

/// Runs until it is told to stop (SIGTERM, SIGINT, `stop`). SIGHUP reloads the configuration, SIGUSR1
/// restarts the tunnel.
/// @errors  exists     another supervisor holds run_dir/lock
///          config     run_dir cannot be made or used
///          not_found  there is no worker to start
[[nodiscard]] Result<ExitCode> run_supervisor(LoadedConfig loaded);

}  // namespace reversi::client

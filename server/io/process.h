#pragma once
// Processes of this machine, named so that a later one with the same pid is never taken for them.

#include <optional>
#include <string>

#include "common/core/error.h"
#include "common/core/time.h"
#include "common/io/unique_fd.h"
#include "server/core/node.h"

namespace reversi::server {

/// Empty when /proc does not tell.
[[nodiscard]] std::string own_boot_id();
/// Absolute path of the running executable.
[[nodiscard]] Result<std::string> own_executable();
[[nodiscard]] ProcessId own_process();
/// Nothing when there is no such process. A zombie counts as gone.
[[nodiscard]] std::optional<ProcessId> process_of_pid(std::int64_t pid);
[[nodiscard]] bool is_running(const ProcessId& process);

/// A process that is held: what is done to it never meets a later one with its pid.
struct HeldProcess {
  ProcessId id;
  /// Readable once it has ended. Empty where the kernel has none (before 5.3, and some sandboxes):
  /// then the start time is compared again right before each signal, which is the next best.
  UniqueFd pidfd;
};

/// Opened first, then its start time compared.
/// @errors  not_found  gone, or another process has the pid now
[[nodiscard]] Result<HeldProcess> open_process(const ProcessId& process);
/// A pidfd that is not compared with anything; empty with errno where there is none.
[[nodiscard]] UniqueFd open_pidfd(std::int64_t pid);
/// @errors  not_found, permission
[[nodiscard]] Result<void> signal_process(const HeldProcess& process, int signal);
/// True once the process has ended (a zombie has, too); false when `limit` came first.
[[nodiscard]] bool wait_for_end(const HeldProcess& process, Millis limit);
/// SIGTERM, after 300 ms SIGKILL, and waits until it is gone.
/// @errors  permission;  timeout  still there after `limit`.  A process that is gone is success.
[[nodiscard]] Result<void> end_process(const ProcessId& process, Millis limit);

}  // namespace reversi::server

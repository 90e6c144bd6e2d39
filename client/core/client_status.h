#pragma once
// What `reversi-client status --json` and run_dir/status.json say (schema 1).

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "client/core/tunnel.h"
#include "common/core/time.h"

namespace reversi::client {

/// What the status says beyond the tunnel itself.
struct StatusContext {
  MonoTime now{};
  Millis wall_offset{0};  ///< wall time = monotonic time + this
  int supervisor_pid = 0;
  int worker_pid = 0;         ///< 0 = none
  std::string config_source;  ///< path of the configuration in use
  std::string config_error;   ///< why the present one is not in use; empty = it is
};

[[nodiscard]] nlohmann::json client_status(const Tunnel& tunnel, const StatusContext& context);

/// The status for people: one line for the tunnel, one for each forward.
[[nodiscard]] std::string client_status_text(const nlohmann::json& status);

/// The same in one line, without the node's name: "up", "down: ssh: …".
[[nodiscard]] std::string client_status_line(const nlohmann::json& status);

/// A copy without the fields that change with every heartbeat: two statuses that differ only there
/// need not be written twice.
/// @param spares_flash  nor are times and durations of checks worth it
[[nodiscard]] nlohmann::json status_essence(nlohmann::json status, bool spares_flash);

/// What there is to say of a configuration whose supervisor does not run, or does not answer: the same
/// keys. `supervisor_pid` 0 = none.
[[nodiscard]] nlohmann::json absent_status(const ClientConfig& config, const std::string& source,
                                           int supervisor_pid, const std::string& reason);

}  // namespace reversi::client

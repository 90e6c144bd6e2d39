#pragma once
// The agent: serves one SSH connection of a node, on stdin and stdout, for as long as it lasts.
// core/agent_session.h decides; this performs.

#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/exit_code.h"
#include "server/core/node.h"

namespace reversi::server {

struct AgentOptions {
  NodeName node;
  std::vector<NodeForward> grants;  ///< of the forced command, for want of a node.json
  std::string state_dir;
  std::string key;             ///< blob of the key that was logged in with, if it is in rotation
  std::string ssh_connection;  ///< SSH_CONNECTION as sshd set it
};

/// Returns when the session has ended. Writes nothing to stderr: that is the client's terminal.
/// @errors  not_found, permission, io  before the first line was read
[[nodiscard]] Result<ExitCode> run_agent(const AgentOptions& options);

}  // namespace reversi::server

#pragma once
// The agent: serves one SSH connection of a node, on stdin and stdout, for as long as it lasts.
// core/agent_session.h decides; this performs.

#include <functional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/exit_code.h"
#include "server/core/agent_session.h"
#include "server/core/node.h"

namespace reversi::server {

struct AgentOptions {
  NodeName node;
  std::vector<NodeForward> grants;  ///< of the forced command, for want of a node.json
  std::string state_dir;
  std::string key;             ///< blob of the key that was logged in with, if it is in rotation
  std::string ssh_connection;  ///< SSH_CONNECTION as sshd set it
  std::string problem;         ///< words of the forced command that could not be read, or empty
  std::function<void(const AgentAction&)> before_action = {};  ///< for tests: may throw
};

/// Returns when the session has ended. Writes to stderr, which is the client's terminal, only that
/// there is no state directory: no event log will say it.
/// @errors  not_found, permission, io  before the first line was read
[[nodiscard]] Result<ExitCode> run_agent(const AgentOptions& options);

}  // namespace reversi::server

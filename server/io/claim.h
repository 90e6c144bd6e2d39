#pragma once
// A newcomer makes the node its own: the old session is ended if core/eviction.h allows it, the
// ports are waited for, and session.json names the newcomer. Blocks, for some 20 s at most; nothing
// else depends on this process meanwhile.

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "server/core/agent_session.h"
#include "server/core/node.h"
#include "server/io/state_dir.h"

namespace reversi::server {

struct Newcomer {
  NodeName node;
  std::vector<NodeForward> grants;  ///< of the command line, for want of a node.json
  Hello hello;
  SessionRecord record;  ///< what session.json is to say
  std::string client_address;
  std::string problem;   ///< a state directory or a command line that cannot be used, or empty
};

struct ClaimResult {
  std::variant<Claimed, ClaimRefused> event;
  bool is_recorded = false;  ///< session.json names the newcomer
};

/// @param is_wanted  Asked before anything is ended: false once the newcomer's own session is gone.
[[nodiscard]] ClaimResult claim_node(const StateDir& state, const Newcomer& newcomer,
                                     const std::function<bool()>& is_wanted);

/// The forwards of node.json, or those of the command line with what was wrong. While lines are due, sshd
/// holds a session to the line that it was logged in with, and so do we.
struct LoadedNode {
  std::vector<NodeForward> granted;
  bool is_enabled = true;
  std::string problem;
  bool lines_due = false;  ///< of node.json: this session's rights may be those of before
};
[[nodiscard]] LoadedNode load_granted(const StateDir& state, const NodeName& node,
                                      const std::vector<NodeForward>& command_line);

}  // namespace reversi::server

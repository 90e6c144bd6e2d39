#pragma once
// A node's lines in authorized_keys follow its node.json. Whoever changes one changes both, here and nowhere else: the
// administrator's verbs, and the agent whose node has another key.

#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/time.h"
#include "server/core/authorized_keys.h"
#include "server/core/node.h"
#include "server/io/state_dir.h"

namespace reversi::server {

/// What the lines of this node say, as this program writes them.
[[nodiscard]] Result<std::vector<std::string>> lines_of(const StateDir& state,
                                                        const NodeRecord& record);

/// The command of lines that are to be installed.
/// @errors  permission  we, who are the account that nodes log in as, cannot run this program: each
///          node that had such a line would be locked out
[[nodiscard]] Result<AgentCommand> runnable_command(const StateDir& state);

/// What is to be written where. Whatever can be refused was refused before anything is saved.
struct PreparedLines {
  std::string file;
  std::vector<std::string> lines;  ///< none: they are taken out
};
/// @errors  permission  runnable_command();  config  authorized_keys_path(), authorized_lines()
[[nodiscard]] Result<PreparedLines> prepare_lines(const StateDir& state, const NodeRecord& record);
/// @errors  config  authorized_keys_path()
[[nodiscard]] Result<PreparedLines> prepare_removal(const StateDir& state);

struct LineRules {
  Millis lock_limit{0};
  std::vector<PublicKey> new_keys;  ///< must not have a line of their own outside our block
  bool must_have_lines = false;     ///< a file without a line of the node is the wrong one
};
/// @errors  exists  a new key has a line of its own;  config  the wrong file;  timeout, io
[[nodiscard]] Result<void> install_lines(const StateDir& state, const NodeName& node,
                                         const PreparedLines& prepared, const LineRules& rules);

/// Saves the record and installs its lines, or leaves both as they were. SIGINT, SIGHUP and SIGTERM
/// wait meanwhile; whoever is killed all the same leaves a record whose lines are due.
/// Under lock_all().
[[nodiscard]] Result<void> save_with_lines(const StateDir& state, const NodeRecord& before,
                                           NodeRecord after, const LineRules& rules);

/// Installs the lines that somebody was killed over, or waits for him if he still lives. Whoever
/// logged in with one of before has other rights than node.json says.
[[nodiscard]] Result<void> mend_lines(const StateDir& state, const NodeName& node);

}  // namespace reversi::server

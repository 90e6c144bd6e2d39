#pragma once
// The marked block of reversi in an authorized_keys file: text in, text out. Every byte outside the
// block stays as it was.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "server/core/node.h"

namespace reversi::server {

/// Where the forced command finds itself and its state.
struct AgentCommand {
  std::string executable;  ///< absolute path of reversi-server
  std::string state_dir;   ///< absolute path
};

/// One line a key, without newline:
/// `restrict,port-forwarding,permitlisten="localhost:P",permitopen="localhost:P",…,command="exec …"
/// KEY`, with `from="…"` in front where ranges are given. A disabled node has `restrict,command=…`
/// only, and the line of a key in rotation has `--key BLOB` in its command.
/// @errors  config  a path that cannot be quoted safely for both sshd and a shell
[[nodiscard]] Result<std::vector<std::string>> authorized_lines(const NodeRecord& record,
                                                                const AgentCommand& command);

/// The text with the lines of one node of this state directory replaced (an empty list removes
/// them). A missing block is added at the end and an empty one removed; lines of another state
/// directory stay.
/// @errors  config  a block that begins twice or does not end
[[nodiscard]] Result<std::string> replace_lines(std::string_view text, const NodeName& node,
                                                const std::string& state_dir,
                                                const std::vector<std::string>& lines);

/// The same for many nodes at once, in one pass.
using NodeLines = std::map<std::string, std::vector<std::string>, std::less<>>;  ///< by node name
[[nodiscard]] Result<std::string> replace_all_lines(std::string_view text,
                                                    const std::string& state_dir,
                                                    const NodeLines& nodes);

/// Whether the block has a line of this node.
[[nodiscard]] bool has_lines(std::string_view text, const NodeName& node,
                             const std::string& state_dir);

/// Whether a line that is not ours names this key. sshd takes the first line with a key, so such a
/// one could give the node a shell.
[[nodiscard]] bool is_key_outside_block(std::string_view text, const PublicKey& key);

/// A line of the file that holds a key.
struct KeyLine {
  int number = 0;          ///< from 1
  std::string text;        ///< without its end
  bool is_inside = false;  ///< between our marks
  std::string node;        ///< whose it is, if it is ours and of this state directory
};
/// @errors  config  a block that begins twice or does not end
[[nodiscard]] Result<std::vector<KeyLine>> read_key_lines(std::string_view text,
                                                          const std::string& state_dir);

}  // namespace reversi::server

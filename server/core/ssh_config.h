#pragma once
// Host blocks for an administrator's ~/.ssh/config. Every word in them is a parsed name, a port or
// one of our own: nothing that a node says can become configuration.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/names.h"
#include "common/core/status.h"
#include "server/core/node.h"

namespace reversi::server {

/// --jump [USER@]HOST[:PORT], as ProxyJump takes it.
[[nodiscard]] Result<std::string> parse_jump(std::string_view text);
/// What ProxyJump says for the server's own address.
[[nodiscard]] Result<std::string> jump_of(const Endpoint& server);
/// A login name: letters, digits, "._-", at most 32.
[[nodiscard]] Result<std::string> parse_login(std::string_view text);

struct SshHost {
  NodeName node;
  std::optional<NodeRecord> record;  ///< nothing: node.json cannot be read
  NodeStatus status;
};

struct SshConfigOptions {
  std::string jump;  ///< as parse_jump() gives it; empty = used on the server itself
  std::string user;  ///< on the nodes; empty = as ssh chooses
};

/// The forward that ssh can use: the one named "ssh", else the first that expects an SSH banner;
/// nullptr if there is none.
[[nodiscard]] const NodeForward* ssh_forward(const NodeRecord& record);

/// A block a node that has such a forward and is enabled; a comment about every other.
[[nodiscard]] std::string ssh_config_text(const std::vector<SshHost>& hosts,
                                          const SshConfigOptions& options);

}  // namespace reversi::server

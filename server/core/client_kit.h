#pragma once
// What a node needs to be set up by one paste: the server's host keys and its client.json. Text
// only.

#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/names.h"
#include "server/core/node.h"

namespace reversi::server {

struct ClientKit {
  NodeName node;
  Endpoint server;  ///< as the node reaches it
  std::string user;
  std::vector<PublicKey> host_keys;
  std::vector<NodeForward> forwards;
};

/// --address: "host", "host:port", "v6" or "[v6]:port"; port 22 where none is said.
[[nodiscard]] Result<Endpoint> parse_address(std::string_view text);

/// One line a host key: "host TYPE BLOB", or "[host]:port TYPE BLOB".
[[nodiscard]] std::string known_hosts_text(const ClientKit& kit);

/// A complete client.json. The target of a forward is on the node, which only its person knows: it
/// is guessed by the forward's name, and where there is no guess a comment says what to write.
[[nodiscard]] std::string client_config_text(const ClientKit& kit);

/// A shell script for the node that writes both files to /etc/reversi.
[[nodiscard]] std::string node_script(const ClientKit& kit);

}  // namespace reversi::server

#pragma once
// A new node: its rights, its directory, its line for sshd. All of it or nothing.

#include <string>
#include <vector>

#include "server/cli/admin.h"
#include "server/core/grants.h"

namespace reversi::server {

struct Registration {
  NodeName node;
  PublicKey key;
  std::vector<ForwardRequest> forwards;
  std::vector<std::string> from;
};

/// @errors  exists  the node, its key or a port of it
[[nodiscard]] Result<NodeRecord> register_node(const Admin& admin,
                                               const Registration& registration);

/// Whose account this is: what nodes log in as.
[[nodiscard]] std::string account_name();

}  // namespace reversi::server

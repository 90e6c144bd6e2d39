#pragma once
// This server's own host keys, as its sshd shows them to the nodes.

#include <string>
#include <vector>

#include "common/core/error.h"
#include "server/core/policy.h"
#include "server/core/public_key.h"

namespace reversi::server {

/// The files that server.json names (`host_key_files`), else /etc/ssh/ssh_host_*_key.pub, sorted.
[[nodiscard]] std::vector<std::string> host_key_files(const ServerPolicy& policy);

/// The keys in them; what cannot be read, or is none that a client takes, is left out.
[[nodiscard]] std::vector<PublicKey> own_host_keys(const ServerPolicy& policy);

/// What nodes are told: the present keys, then `next_host_keys`; "TYPE BLOB", at most 16.
[[nodiscard]] std::vector<std::string> announced_host_keys(const ServerPolicy& policy);

}  // namespace reversi::server

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/core/liveness.h"
#include "common/core/names.h"

namespace reversi::server {

/// The two ends of our SSH connection, as sshd tells them.
struct SshConnection {
  std::string client_address;
  Port client_port = 0;
  std::string server_address;
  Port server_port = 0;
};

/// Reads SSH_CONNECTION: "192.0.2.5 50122 198.51.100.1 22".
[[nodiscard]] std::optional<SshConnection> parse_ssh_connection(std::string_view text);

/// TCP_INFO of the connection that the sshd above us holds, asked of the kernel by its addresses
/// (INET_DIAG; no privilege needed). Nothing where the kernel does not tell, or the connection is
/// gone.
[[nodiscard]] std::optional<ProgressSample> session_progress(const SshConnection& connection);

/// Whether this kernel tells it at all, tried with a connection to ourselves; nothing without a
/// loopback network.
[[nodiscard]] std::optional<bool> can_tell_progress();

}  // namespace reversi::server

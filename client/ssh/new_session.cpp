#include "client/ssh/new_session.h"

namespace reversi {
namespace {

constexpr const char* kNoFile = "/dev/null";

}  // namespace

/// libssh by default reads ~/.ssh/config and /etc/ssh/ssh_config (ProxyCommand too) and believes the
/// global known_hosts: everything that points to a file is pointed away.
SshSession new_session(const Endpoint& server, const std::string& user,
                       const std::string& algorithms) {
  SshSession session{ssh_new()};
  if (!session) return nullptr;
  bool process_config = false;
  const unsigned int port = server.port;
  const bool good =
      ssh_options_set(session.get(), SSH_OPTIONS_PROCESS_CONFIG, &process_config) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_SSH_DIR, "/nonexistent") == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_KNOWNHOSTS, kNoFile) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_GLOBAL_KNOWNHOSTS, kNoFile) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_HOST, server.host.c_str()) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_PORT, &port) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_USER, user.c_str()) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_HOSTKEYS, algorithms.c_str()) == 0;
  return good ? std::move(session) : nullptr;
}

}  // namespace reversi

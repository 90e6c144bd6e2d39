#pragma once
// What `enroll` makes of a command line: names, a configuration, and what to type at the server. Text
// only.

#include <string>
#include <string_view>
#include <vector>

#include "client/core/client_config.h"
#include "common/core/error.h"

namespace reversi::client {

struct Enrolment {
  std::string node;
  ServerConfig server;
  std::string identity_file;
  std::string known_hosts_file;
  std::vector<ForwardConfig> forwards;
};

/// "USER@HOST", "USER@HOST:PORT", "USER@[V6]:PORT"; port 22 where none is said.
/// @errors  usage
[[nodiscard]] Result<ServerConfig> parse_login(std::string_view text);

/// A machine's host name as a node's name: its first label in lower case, other characters as
/// hyphens. Empty if nothing is left of it.
[[nodiscard]] std::string node_name_from(std::string_view host_name);

/// "SHA256:" and 43 digits of base64.
[[nodiscard]] bool is_fingerprint(std::string_view text);

/// A client.json, as `check` takes it.
[[nodiscard]] std::string enrolment_config(const Enrolment& enrolment);

/// `reversi-server node approve SHA256:… NAME --forward …`
[[nodiscard]] std::string approve_command(const Enrolment& enrolment,
                                          const std::string& fingerprint);

}  // namespace reversi::client

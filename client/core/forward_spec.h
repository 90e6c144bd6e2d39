#pragma once
// A forward as a person types it: OpenSSH's spelling of -R, or ours.

#include <optional>
#include <string>
#include <string_view>

#include "client/core/client_config.h"
#include "common/core/error.h"
#include "common/core/names.h"

namespace reversi::client {

/// What ssh -R takes: where the server listens, and where that leads.
struct OpensshForward {
  std::string bind;  ///< as typed, without brackets; empty: not said, so the server's loopback
  Port port = 0;     ///< on the server
  Target target;

  friend bool operator==(const OpensshForward&, const OpensshForward&) = default;
};

/// `[bind:]port:host:hostport` or `[bind:]port:/unix/path`; "[v6]" and "*" for the addresses.
/// @errors  config  also what has no target (dynamic forwards) and port 0 ("any")
[[nodiscard]] Result<OpensshForward> parse_openssh_forward(std::string_view text);

/// Whether this bind address means the server's loopback, the only place where nodes' ports are.
[[nodiscard]] bool is_loopback_bind(std::string_view bind);

/// `enroll --forward`: `NAME=SPEC` with ssh's spelling, whose port is then asked for, or
/// `NAME=HOST:PORT`, `NAME=unix:/path`. A forward named "ssh" expects ssh's banner.
/// @errors  usage
[[nodiscard]] Result<ForwardConfig> parse_named_forward(std::string_view text);

/// What a node exposes when nobody said anything: its own sshd.
[[nodiscard]] ForwardConfig default_forward();

}  // namespace reversi::client

#pragma once
// The client's configuration as a value. Checks that need the file system (missing or readable
// files) are in client/io/config_file.h.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/core/buffered.h"
#include "common/core/backoff.h"
#include "common/core/error.h"
#include "common/core/expect.h"
#include "common/core/names.h"
#include "common/core/time.h"

namespace reversi::client {

struct ServerConfig {
  Endpoint endpoint{{}, 22};
  std::string user = "reversi";
  friend bool operator==(const ServerConfig&, const ServerConfig&) = default;
};

struct ForwardConfig {
  std::string name;
  Target target;
  /// With an agent it must equal the grant; without one it is the request.
  std::optional<Endpoint> listen;
  /// The node's wish; the admin's wins, and without either it is `connect`.
  std::optional<Expect> expect;
  friend bool operator==(const ForwardConfig&, const ForwardConfig&) = default;
};

struct CanaryConfig {
  Endpoint listen;      ///< on the node
  std::string forward;  ///< the canary goes through this forward
  friend bool operator==(const CanaryConfig&, const CanaryConfig&) = default;
};

struct LogConfig {
  enum class To { standard_error, syslog, file };
  To to = To::standard_error;
  std::string file;
  std::int64_t max_bytes = 1024 * 1024;
  friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

struct ClientConfig {
  std::string node;
  std::vector<ServerConfig> servers;  ///< tried in order; at least one
  std::string identity_file;
  std::string known_hosts_file;
  std::vector<ForwardConfig> forwards;  ///< at least one
  std::optional<CanaryConfig> canary;
  bool metered = false;
  bool agent = true;
  std::string run_dir;    ///< empty: client/io/client_state.h chooses
  std::string state_dir;  ///< default: the configuration's directory
  LogConfig log;
  std::string log_level = "info";
  std::string user;           ///< the worker runs as it; empty = as the supervisor
  Millis max_session_age{0};  ///< 0 = never
  std::int64_t max_buffered_mib = kDefaultBufferedMib;  ///< for readers that are slow, all together
  BackoffPolicy backoff;      ///< where no server sets one (agent-free)
  friend bool operator==(const ClientConfig&, const ClientConfig&) = default;
};

/// Parses JSON with `//` comments.
///
/// @param directory  of the configuration file: relative paths start there.
/// @errors  config   "line 7, column 3: expected ','", or "forwards[1].target: what was expected"
[[nodiscard]] Result<ClientConfig> parse_client_config(std::string_view text,
                                                       const std::string& directory);

/// What keeps the canary from its address. Not a matter of parsing: a tunnel whose canary listens
/// elsewhere is worth more than none.
[[nodiscard]] Result<void> check_canary_listen(const ClientConfig& config);

/// The state_dir that a text names even if it is no valid configuration, as far as it can be told:
/// this is where the last good configuration is kept.
[[nodiscard]] std::optional<std::string> find_state_dir(std::string_view text,
                                                        const std::string& directory);

/// The forward of this name, or nullptr.
[[nodiscard]] const ForwardConfig* find_forward(const ClientConfig& config, std::string_view name);

}  // namespace reversi::client

#pragma once
// The configuration on disk: read it, check the files it names, and keep the last good one.

#include <string>

#include "client/core/client_config.h"
#include "common/core/error.h"

namespace reversi::client {

struct LoadedConfig {
  ClientConfig config;
  std::string path;           ///< of the configuration that was asked for, absolute
  std::string text;           ///< what `config` was parsed from
  bool is_last_good = false;  ///< the present one is invalid: `error` says why
  std::string error;
  bool is_of_files = false;  ///< `error` is about a file that `config` names

  /// The file that `text` was read from.
  [[nodiscard]] std::string source() const;
};

/// /etc/reversi/client.json for root, else $XDG_CONFIG_HOME/reversi/client.json (~/.config).
[[nodiscard]] std::string default_config_path();

/// Reads, parses and checks the files that it names.
/// @errors  config  "/etc/reversi/client.json: forwards[1].target: what was expected"
[[nodiscard]] Result<LoadedConfig> load_config(const std::string& path);

/// load_config(), or else the last configuration that reached `up`, or else, on a node
/// that was `up` before, one whose files alone are at fault. The error is the present one's.
[[nodiscard]] Result<LoadedConfig> load_config_or_last_good(const std::string& path);

/// The configuration for a verb that only has to find its supervisor: parsed, else the last good one;
/// the files that it names are not looked at.
[[nodiscard]] Result<ClientConfig> read_config(const std::string& path);

/// Keeps the text as the last good configuration; writes only if it differs.
[[nodiscard]] Result<void> keep_as_last_good(const LoadedConfig& loaded);

}  // namespace reversi::client

#pragma once
// The files of a node that enrols, each written atomically and none lost.

#include <string>

#include "common/core/error.h"

namespace reversi::client {

/// Whether there is a configuration, and whether it says the same as `text`.
enum class Present { none, same, other };
[[nodiscard]] Result<Present> compare_config(const std::string& path, const std::string& text);

/// Writes the configuration (0600) and makes its directory.
[[nodiscard]] Result<void> write_config(const std::string& path, const std::string& text);

/// Adds a line to a known_hosts file, which may be a link; what is in it stays, its mode too.
[[nodiscard]] Result<void> add_known_host(const std::string& path, const std::string& line);

}  // namespace reversi::client

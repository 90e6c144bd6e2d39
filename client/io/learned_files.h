#pragma once
// state_dir/learned_servers.json, and learned_known_hosts, which is made of it for the worker.

#include <string>

#include "client/core/learned.h"
#include "common/core/error.h"

namespace reversi::client {

/// What was learned, or nothing if there is none or it cannot be read.
[[nodiscard]] Learned load_learned(const std::string& state_dir);
/// Mode 0600; each file is written only if it changes: flash wears out.
[[nodiscard]] Result<void> save_learned(const std::string& state_dir, const Learned& learned);

}  // namespace reversi::client

#pragma once
// What client.json's keys mean, for reversi-client.json(5). Beside the parser and not in it: no node
// carries these sentences. A test holds both together: names, bounds and defaults.

#include <span>

#include "common/manual/sections.h"

namespace reversi::client {

[[nodiscard]] std::span<const manual::ConfigKey> config_key_table();

}  // namespace reversi::client

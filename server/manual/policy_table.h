#pragma once
// What server.json's keys mean, for reversi-server.json(5); bounds and defaults come from the parser.

#include <vector>

#include "common/manual/sections.h"

namespace reversi::server {

/// A key without a sentence has an empty meaning; a sentence without a key comes last, without a type.
[[nodiscard]] std::vector<manual::ConfigKey> policy_key_table();

}  // namespace reversi::server

#pragma once
// What is wrong with a node, in words: a line a fault.

#include <string>
#include <vector>

#include "common/core/status.h"
#include "common/core/time.h"

namespace reversi::server {

/// "ssh: service refused on 127.0.0.1:22 since 14:02 UTC"; for a node without a session why it has
/// none; nothing for one that is up. Every line is printable.
[[nodiscard]] std::vector<std::string> cause_lines(const NodeStatus& node, WallTime now);

/// "14:02 UTC", on another day "2026-11-19 14:02 UTC".
[[nodiscard]] std::string format_moment(WallTime time, WallTime now);

}  // namespace reversi::server

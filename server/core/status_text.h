#pragma once

#include <string>
#include <vector>

#include "common/core/status.h"
#include "common/core/time.h"

namespace reversi::server {

/// The nodes for a terminal, no line wider than 80 columns: a line a node, and below it one a
/// forward.
[[nodiscard]] std::string status_text(const std::vector<NodeStatus>& nodes, WallTime now);

/// "4.1 s", "3 min 20 s", "2 h 5 min", "3 d 4 h": two figures are enough for a person.
[[nodiscard]] std::string format_duration(Millis duration);

}  // namespace reversi::server

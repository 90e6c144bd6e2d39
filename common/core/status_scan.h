#pragma once

#include <optional>
#include <string_view>

#include "common/core/status.h"

namespace reversi {

/// Reads a status document as we write it: known keys, once each, plain ASCII texts, whole numbers.
/// Nothing for every other document, a wrong one too: status_from_json() has the last word. Thousands
/// of nodes are read at once, and a JSON tree for each takes several times as long.
[[nodiscard]] std::optional<NodeStatus> scan_status(std::string_view text);

}  // namespace reversi

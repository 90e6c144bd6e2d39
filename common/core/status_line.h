#pragma once

#include <string>

#include "common/core/status.h"

namespace reversi {

/// Appends json_line(status_to_json(status)), byte for byte, without building the tree: thousands of
/// nodes are written at once.
void append_status_line(std::string& out, const NodeStatus& status);

}  // namespace reversi

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/core/status.h"
#include "common/core/time.h"

namespace reversi::server {

inline constexpr std::size_t kLeastWidth = 80;

struct TableStyle {
  std::size_t width = kLeastWidth;  ///< columns of the terminal; fewer than 80 count as 80
  bool has_colour = false;
};

/// The nodes for a terminal, no line wider than it: a row a node, and below it what does not fit
/// there and what is wrong. The columns are as wide as what stands in them.
[[nodiscard]] std::string status_text(const std::vector<NodeStatus>& nodes, WallTime now,
                                      const TableStyle& style);

}  // namespace reversi::server

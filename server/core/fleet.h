#pragma once
// Which nodes are shown, and in what order.

#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/status.h"

namespace reversi::server {

enum class SortKey {
  name,
  state,  ///< the worst first
  since,  ///< the latest change first
  seen,   ///< heard of last first
};

struct FleetFilter {
  std::vector<NodeState> states;   ///< empty = any
  std::vector<std::string> globs;  ///< of names; empty = any
};

/// @errors  usage  a word that is none, with the nearest that is
[[nodiscard]] Result<NodeState> parse_state_option(std::string_view word);
[[nodiscard]] Result<SortKey> parse_sort_option(std::string_view word);

[[nodiscard]] bool matches_name(const FleetFilter& filter, std::string_view name);
[[nodiscard]] bool matches_state(const FleetFilter& filter, NodeState state);
/// By the key, then by name.
void sort_nodes(std::vector<NodeStatus>& nodes, SortKey key);

/// "300 nodes: 297 up, 2 degraded, 1 down"; "3 of 300 nodes: …" where not all are shown.
[[nodiscard]] std::string summary_line(const std::vector<NodeStatus>& shown, std::size_t all);

}  // namespace reversi::server

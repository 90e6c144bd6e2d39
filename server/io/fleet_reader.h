#pragma once
// Every node as a reader must show it.

#include <functional>
#include <vector>

#include "common/core/names.h"
#include "common/core/status.h"
#include "common/core/time.h"
#include "server/io/state_dir.h"

namespace reversi::server {

/// In the order of `names`; on all processors where there are many. No lock is taken for reading.
/// The `down`s that killed agents owe are written on the way, as far as 200 ms allow
/// (after a restart of the server there may be thousands) and no lock stands in the way: the next
/// reader goes on.
[[nodiscard]] std::vector<NodeStatus> read_fleet(const StateDir& state,
                                                 const std::vector<NodeName>& names, WallTime now);
/// node.json of every node, in the order of `names`.
[[nodiscard]] std::vector<Result<NodeRecord>> read_records(const StateDir& state,
                                                           const std::vector<NodeName>& names);
/// Calls `work(i)` for every i below `count`, on all processors where there are many: in any order,
/// side by side. It must not throw.
void share_out(std::size_t count, const std::function<void(std::size_t)>& work);
[[nodiscard]] NodeStatus read_one(const StateDir& state, const NodeName& node, WallTime now);

}  // namespace reversi::server

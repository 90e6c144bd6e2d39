#pragma once
// Rights across nodes, under the directory-wide lock: no key and no port belongs to two nodes.

#include <set>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "server/cli/admin.h"
#include "server/core/grants.h"
#include "server/core/node.h"

namespace reversi::server {

/// What a command line asks for beside ports.
struct TypedRights {
  std::vector<std::string> forwards;  ///< --forward
  std::vector<std::string> ranges;    ///< --from
};
[[nodiscard]] Result<std::vector<ForwardRequest>> typed_forwards(const TypedRights& typed);
[[nodiscard]] Result<std::vector<std::string>> typed_ranges(const TypedRights& typed);

/// Ports of all nodes but `node`; and that none of them holds one of `keys`.
/// @errors  exists  a key's holder by name;  config  another node.json cannot be read, so its ports
///          are not known
[[nodiscard]] Result<std::set<Port>> others_ports(const StateDir& state, const NodeName& node,
                                                  const std::vector<PublicKey>& keys);

}  // namespace reversi::server

#pragma once
// The right of a node to a port of the server: who gets which, and the spelling `NAME=PORT` in
// which a forced command carries it.

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "server/core/node.h"
#include "server/core/policy.h"

namespace reversi::server {

/// --forward NAME[=PORT][:EXPECT]
struct ForwardRequest {
  ForwardName name;
  std::optional<Port> port;
  std::optional<Expect> expect;

  friend bool operator==(const ForwardRequest&, const ForwardRequest&) = default;
};
/// An explicit port is 1024–65535.
[[nodiscard]] Result<ForwardRequest> parse_forward_request(std::string_view text);

/// --grant NAME=PORT, as the forced command says it.
[[nodiscard]] Result<NodeForward> parse_grant(std::string_view text);
[[nodiscard]] std::string format_grant(const NodeForward& forward);

/// Gives each request its port: the one it names, the one the node already has for that name, or
/// the lowest free one of the policy's range.
/// @param taken  Ports of all other nodes.
/// @errors  exists  a named port is another node's;  usage  a name or port twice, too many forwards;
///          config  the range is used up
[[nodiscard]] Result<std::vector<NodeForward>> assign_ports(
    const std::vector<ForwardRequest>& requests, const std::vector<NodeForward>& present,
    const std::set<Port>& taken, const ServerPolicy& policy);

}  // namespace reversi::server

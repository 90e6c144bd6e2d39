#include "server/core/grants.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/core/protocol.h"

namespace reversi::server {
namespace {


Result<Port> parse_high_port(std::string_view text) {
  auto port = parse_port(text);
  if (!port) return port;
  if (*port >= kLowestPort) return port;
  return fail(Errc::config, "port " + std::string(text) +
                                " is below 1024, which takes root to listen "
                                "on; choose 1024 to 65535");
}

Result<void> check_requests(const std::vector<ForwardRequest>& requests, std::int64_t most,
                            std::size_t present) {
  // A limit that was lowered takes nothing from a node that has more.
  if (requests.size() > std::max(static_cast<std::size_t>(most), present)) {
    return fail(Errc::usage, "more than " + std::to_string(most) +
                                 " forwards on one node (forwards_per_node in server.json)");
  }
  std::set<std::string> names;
  for (const ForwardRequest& request : requests) {
    if (!names.insert(request.name.text()).second) {
      return fail(Errc::usage, "forward " + request.name.text() + " is given twice");
    }
  }
  return {};
}

Result<void> claim(Port port, const std::set<Port>& taken, std::set<Port>& own) {
  if (taken.contains(port)) {
    return fail(Errc::exists, "port " + std::to_string(port) +
                                  " belongs to another node; choose "
                                  "another, or leave it out");
  }
  if (!own.insert(port).second) {
    return fail(Errc::usage, "port " + std::to_string(port) + " is given to two forwards");
  }
  return {};
}

std::optional<Port> lowest_free(const std::set<Port>& taken, const std::set<Port>& own,
                                const ServerPolicy& policy) {
  for (int port = policy.port_first; port <= policy.port_last; ++port) {
    const auto candidate = static_cast<Port>(port);
    if (!taken.contains(candidate) && !own.contains(candidate)) return candidate;
  }
  return std::nullopt;
}

}  // namespace

Result<ForwardRequest> parse_forward_request(std::string_view text) {
  const auto in_context = [&](Error error) {
    return std::move(error).in("--forward " + printable(text, 80));
  };
  const std::size_t name_end = std::min(text.find_first_of("=:"), text.size());
  auto name = ForwardName::parse(text.substr(0, name_end));
  if (!name) return fail(in_context(name.error()));
  ForwardRequest request{*std::move(name), std::nullopt, std::nullopt};
  std::string_view rest = text.substr(name_end);
  if (rest.starts_with('=')) {
    const std::size_t port_end = std::min(rest.find(':'), rest.size());
    const auto port = parse_high_port(rest.substr(1, port_end - 1));
    if (!port) return fail(in_context(port.error()));
    request.port = *port;
    rest.remove_prefix(port_end);
  }
  if (rest.starts_with(':')) {
    auto expect = parse_expect(rest.substr(1));
    if (!expect) return fail(in_context(expect.error()));
    request.expect = *std::move(expect);
  }
  return request;
}

Result<NodeForward> parse_grant(std::string_view text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  auto name = ForwardName::parse(text.substr(0, equals));
  if (!name) return fail(std::move(name).error().in("--grant " + printable(text, 80)));
  const auto port = parse_high_port(text.substr(std::min(equals + 1, text.size())));
  if (!port) return fail(Error(port.error()).in("--grant " + printable(text, 80)));
  return NodeForward{*std::move(name), *port, std::nullopt};
}

std::string format_grant(const NodeForward& forward) {
  return forward.name.text() + '=' + std::to_string(forward.port);
}

Result<std::vector<NodeForward>> assign_ports(const std::vector<ForwardRequest>& requests,
                                              const std::vector<NodeForward>& present,
                                              const std::set<Port>& taken,
                                              const ServerPolicy& policy) {
  if (auto ok = check_requests(requests, policy.forwards_per_node, present.size()); !ok)
    return fail(ok.error());
  std::map<std::string, Port> had;
  for (const NodeForward& forward : present) had.emplace(forward.name.text(), forward.port);
  std::vector<NodeForward> forwards;
  std::set<Port> own;
  // Named ports and kept ones first, so that the search for a free one goes around them.
  for (const ForwardRequest& request : requests) {
    const auto kept = had.find(request.name.text());
    const Port port = request.port.value_or(kept == had.end() ? Port{0} : kept->second);
    if (port != 0) {
      if (auto ok = claim(port, taken, own); !ok) {
        return fail(std::move(ok).error().in("forward " + request.name.text()));
      }
    }
    forwards.push_back({request.name, port, request.expect});
  }
  for (NodeForward& forward : forwards) {
    if (forward.port != 0) continue;
    const auto port = lowest_free(taken, own, policy);
    if (!port) {
      return fail(Errc::config, "every port from " + std::to_string(policy.port_first) + " to " +
                                    std::to_string(policy.port_last) +
                                    " is in use; widen port_last in server.json");
    }
    forward.port = *port;
    own.insert(*port);
  }
  return forwards;
}

}  // namespace reversi::server

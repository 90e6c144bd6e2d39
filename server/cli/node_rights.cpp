#include "server/cli/node_rights.h"

#include <algorithm>

#include "server/core/cidr.h"
#include "server/io/fleet_reader.h"

namespace reversi::server {
namespace {

Error as_usage(const Error& error) {
  return {Errc::usage, error.line()};
}

bool holds(const NodeRecord& record, const std::vector<PublicKey>& keys) {
  return std::ranges::any_of(record.keys, [&](const PublicKey& held) {
    return std::ranges::any_of(keys, [&](const PublicKey& key) { return is_same_key(held, key); });
  });
}

}  // namespace

Result<std::vector<ForwardRequest>> typed_forwards(const TypedRights& typed) {
  std::vector<ForwardRequest> requests;
  for (const std::string& text : typed.forwards) {
    auto request = parse_forward_request(text);
    if (!request) return fail(as_usage(request.error()));
    requests.push_back(*std::move(request));
  }
  return requests;
}

Result<std::vector<std::string>> typed_ranges(const TypedRights& typed) {
  std::vector<std::string> ranges;
  for (const std::string& text : typed.ranges) {
    auto range = parse_cidr(text);
    if (!range) return fail(as_usage(range.error()).in("--from"));
    ranges.push_back(*std::move(range));
  }
  return ranges;
}

Result<std::set<Port>> others_ports(const StateDir& state, const NodeName& node,
                                    const std::vector<PublicKey>& keys) {
  std::set<Port> taken;
  const std::vector<NodeName> names = state.list_nodes();
  const auto records = read_records(state, names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const NodeName& other = names[i];
    const auto& record = records[i];
    if (other == node) continue;
    if (!record && record.error().code() == Errc::not_found)
      continue;  // half made, or half removed
    if (!record) {
      return fail(Error(record.error())
                      .in("repair this first, or remove the node: its ports are "
                          "not known"));
    }
    if (holds(*record, keys)) {
      return fail(Errc::exists, "this key is held by node " + other.text() +
                                    "; one key, one node: make another with reversi-client keygen");
    }
    for (const NodeForward& forward : record->forwards) taken.insert(forward.port);
  }
  return taken;
}

}  // namespace reversi::server

#include "client/core/config_change.h"

#include <optional>
#include <utility>

namespace reversi::client {
namespace {

std::vector<std::pair<std::string, std::optional<Endpoint>>> listens_of(
    const ClientConfig& config) {
  std::vector<std::pair<std::string, std::optional<Endpoint>>> listens;
  for (const ForwardConfig& forward : config.forwards) {
    listens.emplace_back(forward.name, forward.listen);
  }
  return listens;
}

}  // namespace

bool needs_new_session(const ClientConfig& before, const ClientConfig& after) {
  return before.node != after.node || before.servers != after.servers ||
         before.identity_file != after.identity_file ||
         before.known_hosts_file != after.known_hosts_file || before.agent != after.agent ||
         before.user != after.user || listens_of(before) != listens_of(after);
}

std::vector<std::string> keys_of_next_session(const ClientConfig& before,
                                              const ClientConfig& after) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; after.agent && i < after.forwards.size(); ++i) {
    const ForwardConfig* old = find_forward(before, after.forwards[i].name);
    if (old == nullptr || old->expect == after.forwards[i].expect) continue;
    keys.push_back("forwards[" + std::to_string(i) + "].expect");
  }
  if (after.agent && before.metered != after.metered) keys.emplace_back("metered");
  if (before.max_buffered_mib != after.max_buffered_mib) keys.emplace_back("max_buffered_mib");
  return keys;
}

}  // namespace reversi::client

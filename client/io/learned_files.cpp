#include "client/io/learned_files.h"

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/protocol.h"
#include "common/io/files.h"
#include "common/io/log.h"

namespace reversi::client {
namespace {

constexpr std::size_t kMostLearnedBytes = 512 * 1024;
constexpr std::size_t kMostNames = 2 * kMostLearned;
constexpr std::size_t kMostHostKeyBytes = 5000;

std::string servers_file(const std::string& state_dir) {
  return state_dir + "/learned_servers.json";
}

/// What does not belong there is left out, as if it had never been learned.
Learned take_learned(const Json& doc) {
  Learned learned;
  Fields fields(doc);
  for (const Json* item : fields.items("servers", kMostLearned)) {
    std::string address;
    ServerConfig server;
    Fields of_server(*item);
    of_server.need("address", address, 300).need("user", server.user, 64);
    const auto endpoint = parse_endpoint(address);
    if (!of_server.is_good() || !endpoint) continue;
    server.endpoint = *endpoint;
    learned.servers.push_back(std::move(server));
  }
  for (const Json* item : fields.items("host_keys", kMostNames)) {
    std::string address;
    std::vector<std::string> keys;
    Fields of_name(*item);
    of_name.need("address", address, 300).may("keys", keys, kMostLearned, kMostHostKeyBytes);
    std::erase_if(keys, [](const std::string& key) { return !is_host_key(key); });
    if (of_name.is_good() && parse_endpoint(address)) learned.host_keys[address] = std::move(keys);
  }
  return learned;
}

}  // namespace

Learned load_learned(const std::string& state_dir) {
  const auto text = read_file(servers_file(state_dir), kMostLearnedBytes);
  if (!text) return {};
  const auto doc = parse_json(*text);
  if (doc && doc->is_object()) return take_learned(*doc);
  log_warning(servers_file(state_dir) + ": cannot be read; it will be learned again");
  return {};
}

Result<void> save_learned(const std::string& state_dir, const Learned& learned) {
  Json doc{{"schema", 1}, {"servers", Json::array()}, {"host_keys", Json::array()}};
  for (const ServerConfig& server : learned.servers) {
    doc["servers"].push_back(
        {{"address", format_endpoint(server.endpoint)}, {"user", server.user}});
  }
  for (const auto& [address, keys] : learned.host_keys) {
    doc["host_keys"].push_back({{"address", address}, {"keys", keys}});
  }
  const std::string servers = json_text(doc);
  const std::string hosts = known_hosts_text(learned);
  if (servers.size() > kMostLearnedBytes || hosts.size() > kMostLearnedBytes) {
    return fail(Errc::config, "the server says more of itself than is kept");
  }
  // The keys first: a name without its key would be tried in vain.
  return write_file_if_changed(learned_known_hosts_file(state_dir), hosts, 0600, Sync::disk)
      .and_then([&](bool) {
        return write_file_if_changed(servers_file(state_dir), servers, 0600, Sync::disk);
      })
      .map([](bool) {});
}

}  // namespace reversi::client

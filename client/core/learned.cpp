#include "client/core/learned.h"

#include <algorithm>
#include <array>

namespace reversi::client {
namespace {

constexpr std::array<std::string_view, 5> kKeyTypes{
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"};
constexpr std::size_t kMostBlobBytes = 4096;

bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/' || c == '=';
}

template <class T>
bool has(const std::vector<T>& items, const T& item) {
  return std::ranges::find(items, item) != items.end();
}

bool has_endpoint(const std::vector<ServerConfig>& servers, const Endpoint& endpoint) {
  return std::ranges::find(servers, endpoint, &ServerConfig::endpoint) != servers.end();
}

/// The first ones count where there are too many.
template <class T>
void add_learned(std::vector<T>& items, const T& item) {
  if (items.size() < kMostLearned && !has(items, item)) items.push_back(item);
}

/// "TYPE BLOB" without a comment.
std::vector<std::string> usable_keys(const std::vector<std::string>& sent) {
  std::vector<std::string> keys;
  for (const std::string& text : sent) {
    const auto blob = text.find(' ');
    const auto comment = blob == std::string::npos ? blob : text.find(' ', blob + 1);
    const std::string key = text.substr(0, comment);
    if (is_host_key(key)) add_learned(keys, key);
  }
  return keys;
}

std::vector<std::string> keys_of(const Learned& learned, const std::string& name) {
  const auto found = learned.host_keys.find(name);
  return found == learned.host_keys.end() ? std::vector<std::string>{} : found->second;
}

std::vector<ServerConfig> learn_servers(const Learned& before,
                                        const std::vector<ServerConfig>& configured,
                                        const Announcement& announcement) {
  std::vector<ServerConfig> servers;
  for (const std::string& text : announcement.servers) {
    const auto endpoint = parse_endpoint(text);
    if (!endpoint || has_endpoint(configured, *endpoint)) continue;
    add_learned(servers, ServerConfig{*endpoint, announcement.at.user});
  }
  if (announcement.servers.empty()) servers = before.servers;
  // The one in use stays until a login by another name.
  const bool is_learned = has(before.servers, announcement.at);
  if (is_learned && !has(servers, announcement.at)) {
    if (servers.size() >= kMostLearned) servers.pop_back();
    servers.push_back(announcement.at);
  }
  return servers;
}

}  // namespace

Learned learn(const Learned& before, const std::vector<ServerConfig>& configured,
              const Announcement& announcement) {
  Learned after{learn_servers(before, configured, announcement), {}};
  const auto announced = usable_keys(announcement.host_keys);
  const auto put = [&](const Endpoint& endpoint, std::vector<std::string> keys) {
    if (!keys.empty()) after.host_keys[format_endpoint(endpoint)] = std::move(keys);
  };
  const auto with_former = [&](const Endpoint& endpoint) {
    std::vector<std::string> keys = announced;
    for (const std::string& key : keys_of(before, format_endpoint(endpoint)))
      add_learned(keys, key);
    return keys;
  };
  for (const ServerConfig& server : configured) {
    put(server.endpoint, keys_of(before, format_endpoint(server.endpoint)));
  }
  for (const ServerConfig& server : after.servers) {
    const bool is_named = has(announcement.servers, format_endpoint(server.endpoint));
    put(server.endpoint, is_named ? with_former(server.endpoint)
                                  : keys_of(before, format_endpoint(server.endpoint)));
  }
  const bool is_whole = has(announced, announcement.host_key);
  put(announcement.at.endpoint, is_whole ? announced : with_former(announcement.at.endpoint));
  return after;
}

std::vector<ServerConfig> with_learned(std::vector<ServerConfig> configured,
                                       const Learned& learned) {
  for (const ServerConfig& server : learned.servers) {
    if (!has_endpoint(configured, server.endpoint)) configured.push_back(server);
  }
  return configured;
}

bool is_host_key(std::string_view text) {
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return false;
  const std::string_view blob = text.substr(blank + 1);
  return std::ranges::find(kKeyTypes, text.substr(0, blank)) != kKeyTypes.end() && !blob.empty() &&
         blob.size() <= kMostBlobBytes && std::ranges::all_of(blob, is_base64);
}

std::string known_hosts_text(const Learned& learned) {
  constexpr Port kSshPort = 22;
  std::string text = "# What the servers say of themselves; written by reversi-client.\n";
  for (const auto& [name, keys] : learned.host_keys) {
    const auto endpoint = parse_endpoint(name);
    if (!endpoint) continue;
    std::string host = endpoint->host;
    std::ranges::transform(host, host.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (endpoint->port != kSshPort) {
      host.insert(0, 1, '[');
      host += "]:" + std::to_string(endpoint->port);
    }
    for (const std::string& key : keys) {
      text += host;
      text += ' ';
      text += key;
      text += '\n';
    }
  }
  return text;
}

}  // namespace reversi::client

#include "server/core/policy.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "common/core/backoff.h"
#include "common/core/json_fields.h"
#include "server/core/client_kit.h"
#include "server/core/policy_keys.h"
#include "server/core/public_key.h"

namespace reversi::server {
namespace {

constexpr int kPolicySchema = 1;
constexpr Millis kLongestSetting{std::chrono::hours{24}};
constexpr std::int64_t kLeastCount = 1;
constexpr std::int64_t kLeastPort = 1024;
constexpr std::int64_t kMostPort = 65535;
constexpr std::size_t kMostSettingText = 4096;
constexpr std::size_t kMostItems = 16;

struct MillisKey {
  std::string_view name;
  Millis ServerPolicy::*field;
  Millis least;
};
constexpr std::array<MillisKey, 18> kMillisKeys{{
    {"heartbeat_ms", &ServerPolicy::heartbeat, Millis{100}},
    {"check_ms", &ServerPolicy::check, Millis{100}},
    {"check_healthy_ms", &ServerPolicy::check_healthy, Millis{100}},
    {"healthy_after_ms", &ServerPolicy::healthy_after, Millis{0}},
    {"metered_heartbeat_ms", &ServerPolicy::metered_heartbeat, Millis{100}},
    {"metered_check_ms", &ServerPolicy::metered_check, Millis{100}},
    {"probe_limit_ms", &ServerPolicy::probe_limit, Millis{100}},
    {"stable_after_ms", &ServerPolicy::stable_after, Millis{0}},
    {"retry_first_ms", &ServerPolicy::retry_first, Millis{10}},
    {"retry_longest_ms", &ServerPolicy::retry_longest, Millis{10}},
    {"spread_per_node_ms", &ServerPolicy::spread_per_node, Millis{0}},
    {"try_earlier_ms", &ServerPolicy::try_earlier, Millis{1000}},
    {"duplicate_retry_ms", &ServerPolicy::duplicate_retry, Millis{100}},
    {"duplicate_retry_longest_ms", &ServerPolicy::duplicate_retry_longest, Millis{100}},
    {"refused_retry_ms", &ServerPolicy::refused_retry, Millis{100}},
    {"challenge_silence_ms", &ServerPolicy::challenge_silence, Millis{100}},
    {"challenge_progress_ms", &ServerPolicy::challenge_progress, Millis{100}},
    {"hello_limit_ms", &ServerPolicy::hello_limit, Millis{100}},
}};

struct CountKey {
  std::string_view name;
  std::int64_t ServerPolicy::*field;
  std::int64_t most;
};
constexpr std::array<CountKey, 6> kCountKeys{{
    {"dead_after_heartbeats", &ServerPolicy::dead_after_heartbeats, 100},
    {"probes_at_once", &ServerPolicy::probes_at_once, 256},
    {"logins_at_once", &ServerPolicy::logins_at_once, 10'000},
    {"pending_most", &ServerPolicy::pending_most, 1000},
    {"pending_days", &ServerPolicy::pending_days, 3650},
    {"forwards_per_node", &ServerPolicy::forwards_per_node,
     static_cast<std::int64_t>(kMaxForwards)},
}};

struct PortKey {
  std::string_view name;
  Port ServerPolicy::*field;
};
constexpr std::array<PortKey, 2> kPortKeys{{
    {"port_first", &ServerPolicy::port_first},
    {"port_last", &ServerPolicy::port_last},
}};

constexpr std::array<std::string_view, 6> kOtherKeys{
    "schema", "next_host_keys", "host_key_files", "servers", kAuthorizedKeysKey, kAddressKey};

bool is_known(std::string_view key) {
  const auto named = [&](const auto& row) { return row.name == key; };
  return std::ranges::any_of(kMillisKeys, named) || std::ranges::any_of(kCountKeys, named) ||
         std::ranges::any_of(kPortKeys, named) ||
         std::ranges::find(kOtherKeys, key) != kOtherKeys.end();
}

void check_together(Fields& fields, const ServerPolicy& policy) {
  if (policy.port_first > policy.port_last) fields.mistake("port_first", "is above port_last");
  if (policy.retry_first > policy.retry_longest) {
    fields.mistake("retry_first_ms", "is above retry_longest_ms");
  }
  if (!policy.authorized_keys.empty() && !policy.authorized_keys.starts_with('/')) {
    fields.mistake(kAuthorizedKeysKey, "expected an absolute path");
  }
  if (!policy.address.empty()) {
    if (const auto ok = parse_address(policy.address); !ok) {
      fields.mistake(kAddressKey, "expected HOST, HOST:PORT or [V6]:PORT");
    }
  }
  for (const std::string& file : policy.host_key_files) {
    if (!file.starts_with('/')) fields.mistake("host_key_files", "expected absolute paths");
  }
  for (const std::string& text : policy.next_host_keys) {
    if (const auto ok = parse_public_key(text); !ok) {
      fields.mistake("next_host_keys", ok.error().line());
    }
  }
  for (const std::string& server : policy.servers) {
    if (const auto ok = parse_endpoint(server); !ok) fields.mistake("servers", ok.error().line());
  }
}

}  // namespace

Result<ServerPolicy> policy_from_json(const Json& doc, std::vector<std::string>& unknown_keys) {
  ServerPolicy policy;
  Fields fields(doc);
  for (const auto& row : kMillisKeys)
    fields.may(row.name, policy.*row.field, row.least, kLongestSetting);
  for (const auto& row : kCountKeys) fields.may(row.name, policy.*row.field, kLeastCount, row.most);
  for (const auto& row : kPortKeys) {
    std::int64_t port = policy.*row.field;
    fields.may(row.name, port, kLeastPort, kMostPort);
    policy.*row.field = static_cast<Port>(port);
  }
  fields.may("next_host_keys", policy.next_host_keys, kMostItems, kMostSettingText)
      .may("host_key_files", policy.host_key_files, kMostItems, kMostSettingText)
      .may("servers", policy.servers, kMostItems, kMostSettingText)
      .may(kAuthorizedKeysKey, policy.authorized_keys, kMostSettingText)
      .may(kAddressKey, policy.address, kMostSettingText);
  if (fields.is_good()) check_together(fields, policy);
  if (auto ok = fields.done(); !ok) return fail(ok.error());
  for (const auto& item : doc.items()) {
    if (!is_known(item.key())) unknown_keys.push_back(printable(item.key(), 60));
  }
  return policy;
}

std::vector<PolicyKey> policy_keys() {
  const ServerPolicy defaults;
  std::vector<PolicyKey> keys;
  for (const auto& row : kMillisKeys) {
    const Millis value = defaults.*row.field;
    keys.push_back(
        {row.name, "milliseconds", row.least.count(), kLongestSetting.count(), value.count()});
  }
  for (const auto& row : kCountKeys) {
    keys.push_back({row.name, "number", kLeastCount, row.most, defaults.*row.field});
  }
  for (const auto& row : kPortKeys) {
    keys.push_back({row.name, "port", kLeastPort, kMostPort, defaults.*row.field});
  }
  for (const std::string_view name : kOtherKeys) keys.push_back({name, "other"});
  return keys;
}

void set_policy_text(Json& doc, std::string_view key, const std::string& value) {
  if (!doc.is_object()) doc = Json::object();
  if (!doc.contains("schema")) doc["schema"] = kPolicySchema;
  if (value.empty()) {
    doc.erase(std::string(key));
  } else {
    doc[std::string(key)] = value;
  }
}

SessionPolicy session_policy(const ServerPolicy& policy, bool metered, std::size_t fleet_size) {
  SessionPolicy session;
  session.heartbeat = metered ? policy.metered_heartbeat : policy.heartbeat;
  session.check = metered ? policy.metered_check : policy.check;
  session.check_healthy = std::max(policy.check_healthy, session.check);
  session.healthy_after = policy.healthy_after;
  session.dead_after = session.heartbeat * policy.dead_after_heartbeats;
  session.probe_limit = policy.probe_limit;
  session.stable_after = policy.stable_after;
  session.retry_first = policy.retry_first;
  session.retry_longest = policy.retry_longest;
  session.try_earlier = policy.try_earlier;
  const auto nodes = static_cast<std::int64_t>(fleet_size);
  session.spread = nodes > 1 ? policy.spread_per_node * nodes : Millis{0};
  // server.json allows less and, multiplied, more than a client takes: it would not come in at all.
  return clamp_session_policy(session);
}

Millis busy_retry(const ServerPolicy& policy, std::size_t fleet_size, std::string_view run) {
  constexpr Millis kLeast{1000};
  const Millis spread = policy.spread_per_node * static_cast<std::int64_t>(fleet_size);
  const double part = unit_hash(run, 0) * static_cast<double>(std::max(spread, kLeast).count());
  return kLeast + Millis{static_cast<Millis::rep>(part)};
}

}  // namespace reversi::server

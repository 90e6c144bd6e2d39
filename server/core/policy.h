#pragma once
// server.json: how the administrator wants nodes to behave. Every key is optional.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/core/names.h"
#include "common/core/protocol.h"
#include "common/core/time.h"

namespace reversi::server {

struct ServerPolicy {
  // Intervals; keys in server.json are the names here with "_ms".
  Millis heartbeat{15'000};
  Millis check{60'000};
  Millis check_healthy{300'000};
  Millis healthy_after{600'000};
  Millis metered_heartbeat{60'000};
  Millis metered_check{600'000};
  std::int64_t dead_after_heartbeats = 3;
  Millis probe_limit{5'000};
  // Back-off.
  Millis stable_after{60'000};
  Millis retry_first{1'000};
  Millis retry_longest{60'000};
  Millis spread_per_node{10};
  Millis try_earlier{1'800'000};
  // Answers to a newcomer that is refused.
  Millis duplicate_retry{60'000};
  Millis duplicate_retry_longest{600'000};
  Millis refused_retry{60'000};  ///< disabled, busy, no_grant
  // A challenge of the recorded session by another one (DESIGN section 2, 1).
  Millis challenge_silence{3'000};    ///< neither pong nor progress for this long: evicted
  Millis challenge_progress{15'000};  ///< with progress, this long for the pong
  // Limits.
  Millis hello_limit{10'000};
  std::int64_t probes_at_once = 16;
  std::int64_t logins_at_once = 32;  ///< agents that evict, wait for ports and write at once
  std::int64_t pending_most = 64;    ///< unknown keys that are kept for `node approve`
  std::int64_t pending_days = 7;     ///< one that has not knocked for so long makes room
  // Ports that `node add` hands out.
  Port port_first = 20'000;
  Port port_last = 29'999;
  std::int64_t forwards_per_node = static_cast<std::int64_t>(kMaxForwards);

  std::vector<std::string> next_host_keys;  ///< "ssh-ed25519 AAAA…", announced before they are used
  std::vector<std::string> host_key_files;  ///< public halves; empty = /etc/ssh/ssh_host_*_key.pub
  std::vector<std::string> servers;         ///< "host:port", announced to the nodes; empty = none
  std::string authorized_keys;              ///< absolute path; empty = the owner's own
  std::string
      address;  ///< "host" or "host:port", as nodes and people reach this server; may be empty

  friend bool operator==(const ServerPolicy&, const ServerPolicy&) = default;
};

/// @param unknown_keys  Keys that this version does not know are ignored and named here.
/// @errors  config  the first value that cannot be; the caller goes on with ServerPolicy{} and says
/// so
[[nodiscard]] Result<ServerPolicy> policy_from_json(const nlohmann::json& doc,
                                                    std::vector<std::string>& unknown_keys);
/// Sets or, with an empty value, removes a key of a server.json; everything else stays.
void set_policy_text(nlohmann::json& doc, std::string_view key, const std::string& value);
inline constexpr std::string_view kAuthorizedKeysKey = "authorized_keys";
inline constexpr std::string_view kAddressKey = "address";

/// What welcome tells one node. The spread is spread_per_node × nodes, 0 for a fleet of one.
[[nodiscard]] SessionPolicy session_policy(const ServerPolicy& policy, bool metered,
                                           std::size_t fleet_size);

/// When a newcomer comes again that found too many others: a second, and somewhere in the fleet's spread.
/// @param run  Of the newcomer: another one goes elsewhere.
[[nodiscard]] Millis busy_retry(const ServerPolicy& policy, std::size_t fleet_size,
                                std::string_view run);

}  // namespace reversi::server

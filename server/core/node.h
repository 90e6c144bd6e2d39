#pragma once
// What the state directory says of one node: node.json (what the admin said) and session.json (who
// holds the node's ports). A newer schema is read as far as it is known.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/core/expect.h"
#include "common/core/names.h"
#include "common/core/time.h"
#include "server/core/public_key.h"

namespace reversi::server {

/// Below it takes root to listen, which the account of the nodes is not.
inline constexpr Port kLowestPort = 1024;

struct NodeForward {
  ForwardName name;
  Port port = 0;                 ///< on the server, "localhost:PORT"
  std::optional<Expect> expect;  ///< the admin's; it wins over the node's own

  friend bool operator==(const NodeForward&, const NodeForward&) = default;
};

/// node.json: {"schema": 1, "node": …, "enabled": …, "keys": ["ssh-ed25519 AAAA… comment"],
/// "forwards": [{"name": "ssh", "port": 20001, "expect": {…}}], "from": ["192.0.2.0/24"],
/// "next_key": "ssh-ed25519 AAAA…", "lines_due": true}
struct NodeRecord {
  NodeName node;
  bool enabled = true;
  std::vector<PublicKey> keys;
  std::vector<NodeForward> forwards;  ///< at most kMaxForwards, names and ports unique
  std::vector<std::string> from;      ///< CIDR ranges that may use the keys; empty = any
  /// One of `keys`: in rotation. The first login with it ends the rights of the others.
  std::optional<PublicKey> next_key;
  /// authorized_keys may not say yet what is said here: see io/node_lines.h.
  bool lines_due = false;

  friend bool operator==(const NodeRecord&, const NodeRecord&) = default;
};
[[nodiscard]] nlohmann::json node_to_json(const NodeRecord& record);
/// @param node  Whose directory the document was found in; another name inside is a mistake.
[[nodiscard]] Result<NodeRecord> node_from_json(const NodeName& node, const nlohmann::json& doc);

/// A process that cannot be confused with a later one of the same pid: start time in clock ticks
/// since boot, field 22 of /proc/PID/stat. Means nothing after another boot.
struct ProcessId {
  std::int64_t pid = 0;
  std::int64_t start_time = 0;

  friend auto operator<=>(const ProcessId&, const ProcessId&) = default;
};

/// session.json: the session that holds (or last held) the node's ports.
struct SessionRecord {
  std::string session;
  std::string boot_id;  ///< of the server, /proc/sys/kernel/random/boot_id
  ProcessId sshd;
  ProcessId agent;
  std::string instance;  ///< as the node's hello said
  std::string run;
  std::string machine;
  WallTime started_at{};
  /// Set together with the session's `down` event, so that nobody writes it twice: by the agent at
  /// its end, or by the next agent or reader when it was killed.
  std::optional<WallTime> ended_at;

  friend bool operator==(const SessionRecord&, const SessionRecord&) = default;
};
[[nodiscard]] nlohmann::json session_to_json(const SessionRecord& record);
[[nodiscard]] Result<SessionRecord> session_from_json(const nlohmann::json& doc);

/// Whether this key of the node is the one in rotation.
[[nodiscard]] bool is_next_key(const NodeRecord& record, const PublicKey& key);
/// The forward of this name, or nullptr.
[[nodiscard]] const NodeForward* find_forward(const NodeRecord& record, std::string_view name);
/// "localhost:20001": how tcpip-forward and permitlisten say it.
[[nodiscard]] std::string format_listen(Port port);

}  // namespace reversi::server

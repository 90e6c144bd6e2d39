#pragma once
// The words and documents in which reversi tells what is true: verdicts, node states, and the
// server's status.json (schema 1), read by people and programs.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/core/time.h"

namespace reversi {

/// The judgement on one forward; the table is in the README.
enum class Verdict {
  unknown,        ///< not yet judged
  healthy,        ///< path seen, answer as expected
  slow,           ///< no answer yet, but the session makes progress
  service_down,   ///< path seen, target refused or unreachable
  service_hung,   ///< path seen, target connected, no answer in the limit
  wrong_answer,   ///< path seen, answer not as expected
  hung,           ///< connected, no path seen, no progress, twice: the tunnel is dead
  not_listening,  ///< connect refused, twice
  port_taken,     ///< a listener of another uid is on the port, either family
  not_granted,    ///< the node asks for a forward that the server does not know
  not_requested,  ///< the server grants a forward that the node does not ask for
};
[[nodiscard]] std::string_view verdict_name(Verdict verdict);
[[nodiscard]] std::optional<Verdict> parse_verdict(std::string_view name);
/// `healthy` or `slow`.
[[nodiscard]] constexpr bool is_good(Verdict verdict) {
  return verdict == Verdict::healthy || verdict == Verdict::slow;
}

/// First match of: disabled, never_seen, down, unknown, up, degraded (server/core/node_view.h
/// decides).
enum class NodeState { never_seen, disabled, down, unknown, up, degraded };
[[nodiscard]] std::string_view node_state_name(NodeState state);
[[nodiscard]] std::optional<NodeState> parse_node_state(std::string_view name);

struct ForwardStatus {
  std::string name;
  std::string listen;  ///< on the server: "localhost:20001"
  std::string target;  ///< on the node, as the node said it
  Verdict verdict = Verdict::unknown;
  std::string reason;  ///< one line for people; empty when healthy
  std::optional<Millis> latency;
  std::optional<WallTime> checked_at;
  WallTime since{};  ///< of this verdict

  friend bool operator==(const ForwardStatus&, const ForwardStatus&) = default;
};

struct SessionStatus {
  std::string id;
  std::string client_address;
  std::int64_t client_port = 0;
  WallTime started_at{};
  std::int64_t sshd_pid = 0;
  std::int64_t agent_pid = 0;
  std::string client_version;
  std::string os;
  std::string arch;
  std::string instance;
  std::string machine;

  friend bool operator==(const SessionStatus&, const SessionStatus&) = default;
};

/// Another machine that came with this node's identity and was refused as a duplicate.
struct ConflictStatus {
  std::string client_address;
  std::string machine;
  WallTime first_seen{};
  WallTime last_seen{};
  std::int64_t count = 0;

  friend bool operator==(const ConflictStatus&, const ConflictStatus&) = default;
};

struct RefusedStatus {
  std::string address;
  WallTime at{};
  std::string reason;

  friend bool operator==(const RefusedStatus&, const RefusedStatus&) = default;
};

struct Counters {
  std::int64_t sessions = 0;
  std::int64_t evictions = 0;
  std::int64_t checks = 0;
  std::int64_t failed_checks = 0;

  friend bool operator==(const Counters&, const Counters&) = default;
};

struct BackoffStatus {
  std::int64_t failures = 0;
  Millis retry_after{0};
  Millis spread{0};

  friend bool operator==(const BackoffStatus&, const BackoffStatus&) = default;
};

/// status.json, schema 1.
struct NodeStatus {
  std::string node;
  NodeState state = NodeState::never_seen;
  std::string reason;
  std::optional<WallTime> since;
  std::optional<WallTime> last_seen;
  Millis dead_after{45'000};
  bool metered = false;
  std::optional<WallTime> written_at;
  /// Set while the state directory cannot be written: what is on disk is as old as this.
  std::optional<WallTime> unwritten_since;
  std::optional<SessionStatus> session;
  std::vector<ForwardStatus> forwards;
  std::optional<ConflictStatus> conflict;
  std::optional<RefusedStatus> last_refused;
  Counters counters;
  BackoffStatus backoff;

  friend bool operator==(const NodeStatus&, const NodeStatus&) = default;
};

[[nodiscard]] nlohmann::json status_to_json(const NodeStatus& status);
/// A newer schema is read as far as it is known; unknown words read as `unknown`.
[[nodiscard]] Result<NodeStatus> status_from_json(const nlohmann::json& doc);

}  // namespace reversi

#pragma once
// The agent protocol: JSON lines both ways on the exec channel. docs/protocol.md says it for
// people.
//
// A message of an optional type is sent only if the other side named that type among its
// `features`. After welcome, unknown types and fields are ignored: decode gives `Unknown`.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/core/expect.h"
#include "common/core/names.h"
#include "common/core/status.h"
#include "common/core/time.h"

namespace reversi {

inline constexpr int kProtocolVersion = 1;
inline constexpr std::size_t kMaxLineBytes = 64 * 1024;
inline constexpr std::size_t kMaxForwards = 32;
inline constexpr std::size_t kMaxNameBytes =
    64;  ///< node, forward, instance, run, machine, session …
inline constexpr std::size_t kMaxReasonBytes = 300;  ///< any text meant for people

// ---- client → agent ------------------------------------------------------------------------------

struct HelloForward {
  std::string name;
  std::string target;                 ///< for people; the agent never connects to it
  std::optional<std::string> listen;  ///< "localhost:20001"; must equal the grant
  std::optional<Expect> expect;       ///< the admin's EXPECT wins; else this one

  friend bool operator==(const HelloForward&, const HelloForward&) = default;
};

/// The first line of a session.
struct Hello {
  int protocol = kProtocolVersion;
  std::vector<std::string> features;  ///< optional types that the client understands
  std::string node;                   ///< must be the forced command's, or the session ends
  std::string instance;               ///< random, kept on the node's disk
  std::string run;                    ///< random, of this supervisor process
  std::string machine;                ///< hash of boot id and hardware addresses
  std::string client_version;
  std::string os;
  std::string arch;
  bool metered = false;
  std::vector<HelloForward> forwards;

  friend bool operator==(const Hello&, const Hello&) = default;
};

/// The answer of sshd to one tcpip-forward request.
struct Forwarded {
  std::string forward;
  bool listens = false;
  std::string error;  ///< when it does not listen

  friend bool operator==(const Forwarded&, const Forwarded&) = default;
};
/// Every granted forward was asked for and at least one listens.
struct Ready {
  friend bool operator==(const Ready&, const Ready&) = default;
};
struct Heartbeat {
  std::int64_t seq = 0;
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};
/// Please probe now: one forward, or all.
struct Check {
  std::optional<std::string> forward;
  friend bool operator==(const Check&, const Check&) = default;
};
enum class TargetOutcome { ok, refused, timeout, unreachable };
/// The probe arrived on this session, and this is what its target said.
struct PathSeen {
  std::int64_t probe = 0;
  TargetOutcome target = TargetOutcome::ok;
  friend bool operator==(const PathSeen&, const PathSeen&) = default;
};
struct Pong {
  std::int64_t challenge = 0;
  friend bool operator==(const Pong&, const Pong&) = default;
};
/// The answer to rotate_key: the public half of the node's next key, or why there is none.
struct Rotated {
  std::string request;
  std::string public_key;  ///< "ssh-ed25519 AAAA… comment"
  std::string error;
  friend bool operator==(const Rotated&, const Rotated&) = default;
};
struct Bye {
  std::string reason;
  friend bool operator==(const Bye&, const Bye&) = default;
};

// ---- agent → client ------------------------------------------------------------------------------

struct Grant {
  std::string forward;
  std::string listen;  ///< exactly as tcpip-forward must say it: "localhost:20001"
  friend bool operator==(const Grant&, const Grant&) = default;
};

/// The server's say in how the node behaves. The client keeps the last one on disk.
struct SessionPolicy {
  Millis heartbeat{15'000};
  Millis check{60'000};
  Millis check_healthy{300'000};  ///< check interval once healthy_after has passed without a fault
  Millis healthy_after{600'000};
  Millis dead_after{45'000};
  Millis probe_limit{5'000};
  Millis stable_after{60'000};  ///< a session this old was stable
  Millis retry_first{1'000};
  Millis retry_longest{60'000};
  Millis spread{0};
  Millis try_earlier{
      1'800'000};  ///< on a later server: each earlier one is tried once in this time
  friend bool operator==(const SessionPolicy&, const SessionPolicy&) = default;
};

/// {"heartbeat_ms": 15000, …}; what is missing keeps its default. Also the node's policy.json.
[[nodiscard]] nlohmann::json session_policy_to_json(const SessionPolicy& policy);
[[nodiscard]] Result<SessionPolicy> session_policy_from_json(const nlohmann::json& doc);
/// The nearest policy that session_policy_from_json() accepts.
[[nodiscard]] SessionPolicy clamp_session_policy(SessionPolicy policy);

struct Welcome {
  int protocol = kProtocolVersion;
  std::vector<std::string> features;  ///< optional types that the agent understands
  std::string session;
  std::string server_version;
  std::vector<Grant> grants;
  /// Forwards of the hello that the server does not know; they are not to be asked for.
  std::vector<std::string> not_granted;
  SessionPolicy policy;
  std::vector<std::string> host_keys;  ///< "ssh-ed25519 AAAA…", current and next
  std::vector<std::string> servers;    ///< "host:port", empty = no change
  friend bool operator==(const Welcome&, const Welcome&) = default;
};
enum class RefusedReason { duplicate, disabled, busy, no_grant, draining };
struct Refused {
  RefusedReason reason = RefusedReason::busy;
  std::string text;  ///< one line for people
  Millis retry_after{60'000};
  friend bool operator==(const Refused&, const Refused&) = default;
};
struct HeartbeatAck {
  std::int64_t seq = 0;
  friend bool operator==(const HeartbeatAck&, const HeartbeatAck&) = default;
};
/// A probe will arrive on this forward from this originator port (RFC 4254, 7.2).
struct ExpectProbe {
  std::int64_t probe = 0;
  std::string forward;
  Port originator_port = 0;
  friend bool operator==(const ExpectProbe&, const ExpectProbe&) = default;
};
struct Ping {
  std::int64_t challenge = 0;
  friend bool operator==(const Ping&, const Ping&) = default;
};
struct VerdictReport {
  std::string forward;
  Verdict verdict = Verdict::unknown;
  std::string reason;
  std::optional<Millis> latency;
  friend bool operator==(const VerdictReport&, const VerdictReport&) = default;
};
/// The port is free again (or was never taken): send tcpip-forward once more for this forward.
struct ForwardAgain {
  std::string forward;
  friend bool operator==(const ForwardAgain&, const ForwardAgain&) = default;
};
/// End this session and start another after retry_after.
struct Restart {
  std::string reason;
  Millis retry_after{0};
  friend bool operator==(const Restart&, const Restart&) = default;
};
/// Make a key beside the present one and answer `rotated`; `restart` follows once it is let in.
struct RotateKey {
  std::string request;
  friend bool operator==(const RotateKey&, const RotateKey&) = default;
};
/// What welcome said of the server has changed: the same two lists.
struct Announce {
  std::vector<std::string> host_keys;
  std::vector<std::string> servers;
  friend bool operator==(const Announce&, const Announce&) = default;
};
/// The server is going away: the session ends soon, come back within retry_after + spread.
struct Draining {
  Millis retry_after{0};
  friend bool operator==(const Draining&, const Draining&) = default;
};

/// A type that this version does not know; counted and ignored after welcome.
struct Unknown {
  std::string type;
  friend bool operator==(const Unknown&, const Unknown&) = default;
};

using ClientMessage =
    std::variant<Hello, Forwarded, Ready, Heartbeat, Check, PathSeen, Pong, Rotated, Bye, Unknown>;
using AgentMessage = std::variant<Welcome, Refused, HeartbeatAck, ExpectProbe, Ping, VerdictReport,
                                  ForwardAgain, Restart, RotateKey, Announce, Draining, Unknown>;

/// One line with its newline. Encoding an Unknown gives an empty string.
[[nodiscard]] std::string encode(const ClientMessage& message);
[[nodiscard]] std::string encode(const AgentMessage& message);

/// @param line  Without its newline. Any bytes.
/// @errors  protocol  not a JSON object, a field missing, of a wrong type or out of its bounds; the
///                    text names type and field
[[nodiscard]] Result<ClientMessage> decode_client_message(std::string_view line);
[[nodiscard]] Result<AgentMessage> decode_agent_message(std::string_view line);

/// What this version puts into `features`: the optional types that it understands.
[[nodiscard]] std::vector<std::string> client_features();
[[nodiscard]] std::vector<std::string> agent_features();
/// The type's name on the wire: "hello", "heartbeat_ack", …
[[nodiscard]] std::string_view type_name(const ClientMessage& message);
[[nodiscard]] std::string_view type_name(const AgentMessage& message);

[[nodiscard]] std::string_view refused_reason_name(RefusedReason reason);
[[nodiscard]] std::string_view target_outcome_name(TargetOutcome outcome);

}  // namespace reversi

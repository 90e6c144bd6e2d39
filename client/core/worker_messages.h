#pragma once
// What supervisor and worker say to each other over the worker's stdin and stdout: JSON lines.
// The worker holds no policy: it does what it is told, tells what happened, and exits when told,
// when its session ends, or when its parent is gone. The agent's lines pass through it unread.
//
//   supervisor                          worker
//   start ─────────────────────────────▶ connect, host key, publickey, exec channel
//                          connected ◀──   (or: failed, and exit code 10 or 11)
//   agent_line(hello) ─────────────────▶ exec channel        agent_line(welcome) ◀──
//   forward (one per grant) ───────────▶ tcpip-forward            forward_reply ◀──
//   canary, expect_probe, sample, alive … path_seen, sampled, agent_line … failed

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/core/buffered.h"
#include "common/core/error.h"
#include "common/core/liveness.h"
#include "common/core/names.h"
#include "common/core/protocol.h"
#include "common/core/time.h"

namespace reversi::client {

/// Longest line on the pipe: an agent line of 64 KiB, escaped once more.
inline constexpr std::size_t kMaxWorkerLineBytes = 6 * kMaxLineBytes + 1024;

// ---- supervisor → worker -------------------------------------------------------------------------

/// The first message. The worker reads key and known_hosts, then drops to `run_as`.
struct Start {
  Endpoint server;
  std::string user;
  std::string identity_file;     ///< identity_files.h has its neighbours, which are offered too
  bool leaves_out_next = false;  ///< the next key logged in before, and nothing came of it
  std::vector<std::string> known_hosts_files;  ///< the configured one, then the learned one
  std::string run_as;                          ///< user to become, empty = stay
  Millis connect_limit{20'000};  ///< for each stage: TCP (all addresses), key exchange + login
  std::int64_t max_buffered_bytes = kDefaultBufferedMib * 1024 * 1024;  ///< see relay_set.h
  bool agent = true;             ///< false: no forced command answers (agent-free mode)
  std::string
      command;  ///< agent-free: run on the server; its lines come as agent_line, an empty one at its end
  friend bool operator==(const Start&, const Start&) = default;
};
/// Send tcpip-forward (again) for `listen`; connect its channels to `target` from now on.
struct Forward {
  std::string forward;
  Endpoint listen;
  Target target;
  friend bool operator==(const Forward&, const Forward&) = default;
};
/// New channels of this forward go to `target` from now on; nothing is asked of the server.
struct Retarget {
  std::string forward;
  Target target;
  friend bool operator==(const Retarget&, const Retarget&) = default;
};
/// Listen on the node and lead every connection through direct-tcpip to `destination` (the node's
/// own exposed port).
struct OpenCanary {
  Endpoint listen;
  Endpoint destination;
  friend bool operator==(const OpenCanary&, const OpenCanary&) = default;
};
/// Write this line to the exec channel (no newline inside).
struct AgentLine {
  std::string line;
  friend bool operator==(const AgentLine&, const AgentLine&) = default;
};
/// Report path_seen for the channel of `forward` that comes from this originator port, whether it
/// came already (within the last 10 s) or comes later.
struct WatchProbe {
  std::int64_t probe = 0;
  std::string forward;
  Port originator_port = 0;
  /// The agent waits twice as long for path_seen: a channel that came, but whose target has not
  /// answered for this long, is reported as `timeout`. A dead target is no dead tunnel.
  Millis patience{2500};
  friend bool operator==(const WatchProbe&, const WatchProbe&) = default;
};
/// Answer with `sampled` at once.
struct TakeSample {
  friend bool operator==(const TakeSample&, const TakeSample&) = default;
};
/// The supervisor lives. At least one line of any kind every 10 s; after 30 s without one the
/// worker SIGKILLs its parent (pid checked) and exits, so that init starts both again.
struct Alive {
  friend bool operator==(const Alive&, const Alive&) = default;
};

using WorkerCommand =
    std::variant<Start, Forward, Retarget, OpenCanary, AgentLine, WatchProbe, TakeSample, Alive>;

// ---- worker → supervisor -------------------------------------------------------------------------

/// Authenticated, exec channel open (agent-free: if the server allows the command).
struct Connected {
  std::string address;        ///< "192.0.2.7:22", the address that answered
  std::string host_key;       ///< "SHA256:…"
  std::string identity_file;  ///< the one that was accepted
  std::string host_key_line;  ///< "ssh-ed25519 AAAA…"
  friend bool operator==(const Connected&, const Connected&) = default;
};
enum class Failure {
  no_answer,    ///< no TCP connection to any address, or no SSH banner
  lost,         ///< the session was reset or broke
  closed,       ///< the server ended the session, or ended the exec channel
  host_key,     ///< unknown or changed; text names file and fingerprint
  key_refused,  ///< the server does not take the key
  setup,        ///< key or known_hosts unreadable, canary port taken, no such user …
  parent_gone,  ///< the supervisor died or hung
};
/// Why the worker ends; the last line it writes.
struct Failed {
  Failure failure = Failure::lost;
  std::string text;
  friend bool operator==(const Failed&, const Failed&) = default;
};
struct ForwardReply {
  std::string forward;
  bool listens = false;
  std::string error;
  friend bool operator==(const ForwardReply&, const ForwardReply&) = default;
};
struct CanaryReply {
  bool listens = false;
  std::string error;               ///< with `listens`: why not where it was asked for
  std::optional<Endpoint> listen;  ///< where it listens instead
  friend bool operator==(const CanaryReply&, const CanaryReply&) = default;
};
struct ProbeSeen {
  std::int64_t probe = 0;
  TargetOutcome target = TargetOutcome::ok;
  friend bool operator==(const ProbeSeen&, const ProbeSeen&) = default;
};
struct Sampled {
  ProgressSample progress;
  std::int64_t open_channels = 0;  ///< forwarded and canary channels
  /// The session's own address is gone, and the server is reached from another one by now.
  bool address_gone = false;
  friend bool operator==(const Sampled&, const Sampled&) = default;
};

using WorkerEvent =
    std::variant<Connected, Failed, AgentLine, ForwardReply, CanaryReply, ProbeSeen, Sampled>;

/// One line with its newline.
[[nodiscard]] std::string encode(const WorkerCommand& command);
[[nodiscard]] std::string encode(const WorkerEvent& event);
/// @errors  protocol  names type and field
[[nodiscard]] Result<WorkerCommand> decode_worker_command(std::string_view line);
[[nodiscard]] Result<WorkerEvent> decode_worker_event(std::string_view line);

[[nodiscard]] std::string_view failure_name(Failure failure);

}  // namespace reversi::client

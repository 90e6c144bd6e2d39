#pragma once
// The agent's half of a session, as a machine: events and a time in, actions out.
// server/io/agent.cpp performs the actions and decides nothing.
//
//   hello ──▶ claim ──▶ serve ──▶ ending ──▶ ended
//
// hello   Waits for the first line, hello_limit at most. Anything but a hello of this node ends it.
// claim   The shell evicts, or is told to stay away, and comes back with Claimed or ClaimRefused.
// serve   Welcome was sent. Lines are answered, forwards probed, requests of other processes
//         served. The dead-man switch: no line and no progress for dead_after ends the session.
// ending  The client was told to go (refused, restart, draining). If it has not gone when the grace
//         is over, its sshd is ended.
// ended   EndSession was given out; everything later is ignored.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/core/liveness.h"
#include "common/core/protocol.h"
#include "common/core/status.h"
#include "common/core/time.h"
#include "server/core/events.h"
#include "server/core/forward_watch.h"
#include "server/core/line_rate.h"
#include "server/core/node.h"
#include "server/core/policy.h"

namespace reversi::server {

/// What does not change while the agent lives.
struct AgentIdentity {
  std::string node;     ///< of the forced command
  std::string session;  ///< random
  std::string client_address;
  Port client_port = 0;
  std::int64_t sshd_pid = 0;
  std::int64_t agent_pid = 0;
  std::string server_version;
};

// ---- events

struct Received {
  ClientMessage message;
};
/// Bytes that no correct client sends: not JSON, a line too long, too many lines for too long.
struct BadInput {
  std::string what;
};
/// End of input, or the sshd above us is gone.
struct InputEnded {
  std::string why;
};
/// The client does not read what we write.
struct OutputStuck {};
/// The ports are free and session.json names us.
struct Claimed {
  std::vector<NodeForward> granted;
  ServerPolicy policy;
  std::size_t fleet_size = 1;
  std::optional<NodeStatus> previous;    ///< status.json as it was
  std::optional<Event> last_up_or_down;  ///< of the node's event log
  std::int64_t evictions = 0;            ///< sessions that were ended for this one
  std::vector<std::string> host_keys;    ///< of this server, to be announced
  std::string problem;                   ///< a state file that could not be used, one line
};
struct ClaimRefused {
  Refused refused;
};
/// Nothing where the kernel does not tell, or the connection is gone.
struct Sampled {
  std::optional<ProgressSample> sample;
};
/// The probe's limit is over, but the session moves: it goes on.
struct ProbeSlow {
  std::string forward;
};
struct ProbeDone {
  std::string forward;
  ProbeReport report;
};
/// The end of FreePort, whether anybody was found or not.
struct PortLookedAt {
  std::string forward;
  bool has_evicted = false;
};
// Requests of other processes, each with the id to answer under.
struct ChallengeAsked {
  std::string request;
  std::string client_address;
  std::string machine;
};
struct ProbeAsked {
  std::string request;
};
struct EvictAsked {
  std::string request;
  std::string why;
};
/// node.json as it is now.
struct ReloadAsked {
  std::string request;
  bool is_enabled = true;
  std::vector<NodeForward> granted;
};
struct RotateKeyAsked {
  std::string request;
};
/// The end of LetKeyIn.
struct KeyLetIn {
  std::string request;
  std::string error;  ///< empty = the node may log in with it
};
/// server.json was changed.
struct ServerChanged {
  std::vector<std::string> host_keys;
  std::vector<std::string> servers;
};
/// SIGTERM: the machine goes down, or an admin stops us.
struct DrainAsked {};
struct StatusWritten {
  bool is_good = true;
};
struct Tick {};

using AgentEvent = std::variant<Received, BadInput, InputEnded, OutputStuck, Claimed, ClaimRefused,
                                Sampled, ProbeSlow, ProbeDone, PortLookedAt, ChallengeAsked,
                                ProbeAsked, EvictAsked, ReloadAsked, RotateKeyAsked, KeyLetIn,
                                ServerChanged, DrainAsked, StatusWritten, Tick>;

// ---- actions

struct Send {
  AgentMessage message;
};
struct StartClaim {
  Hello hello;
};
struct StartProbe {
  std::string forward;
  Port port = 0;
  Expect expect;
  Millis limit{5000};
  /// sshd refused the port: only look who has it, do not connect.
  bool is_refused = false;
  std::string refusal;
};
/// Look for a stale session without an agent on the forward's port, and end it: takes seconds.
struct FreePort {
  std::string forward;
  Port port = 0;
};
struct DeliverPath {
  PathSeen seen;
};
/// The node offers this key as its next.
struct LetKeyIn {
  std::string request;
  std::string public_key;
};
/// The session was welcomed: if its key is in rotation, the node's other keys go.
struct SettleKey {};
struct TouchAlive {};
struct WriteStatus {};
struct LogEvent {
  Event event;
};
/// The answer to a request of another process.
struct Reply {
  std::string request;
  std::string error;                  ///< empty = ok
  std::optional<bool> is_alive;       ///< challenge
  std::optional<Millis> retry_after;  ///< challenge, when alive
  bool with_forwards = false;         ///< probe: every forward's verdict
};
/// Write the final status, close the record, exit.
struct EndSession {
  bool kill_sshd = false;  ///< SIGKILL now; else only what is left of it after a moment
  std::string why;
};

using AgentAction = std::variant<Send, StartClaim, StartProbe, FreePort, DeliverPath, LetKeyIn,
                                 SettleKey, TouchAlive, WriteStatus, LogEvent, Reply, EndSession>;
using AgentActions = std::vector<AgentAction>;

class AgentSession {
 public:
  AgentSession(AgentIdentity identity, Millis hello_limit, Moment now);

  [[nodiscard]] AgentActions step(const AgentEvent& event, Moment now);

  /// When a Tick is due, if nothing happens before.
  [[nodiscard]] MonoTime next_deadline() const;
  /// The next line may be read at this moment.
  [[nodiscard]] MonoTime next_read(MonoTime now) const { return rate_.next_read(now); }
  /// The connection's counters matter just now: take a Sampled every kSampleInterval.
  [[nodiscard]] bool wants_sample(MonoTime now) const;
  /// When the session was last seen to move; for probes.
  [[nodiscard]] MonoTime last_progress() const { return last_progress_; }
  /// How long a session that does not seem to move is waited for, where `limit` is meant: as long
  /// as one that moves, if the kernel does not tell which it is.
  [[nodiscard]] Millis quiet_limit(Millis limit) const;
  [[nodiscard]] bool is_ended() const { return phase_ == Phase::ended; }
  /// Set while status.json and events.jsonl cannot be written; status() remembers it a minute
  /// longer.
  [[nodiscard]] std::optional<WallTime> unwritten_since() const {
    return forget_unwritten_at_ ? std::nullopt : unwritten_since_;
  }
  /// status.json as it should read now.
  [[nodiscard]] NodeStatus status(WallTime now) const;

 private:
  enum class Phase { hello, claim, serve, ending, ended };
  struct Challenge {
    std::string request;
    std::int64_t number = 0;
    ReplyClock clock;
    ChallengeAsked asked;
  };

  // One per event that can happen at any time …
  void on(const Received& event);
  void on(const BadInput& event);
  void on(const InputEnded& event);
  void on(const OutputStuck& event);
  void on(const Claimed& event);
  void on(const ClaimRefused& event);
  void on(const Sampled& event);
  void on(const ProbeSlow& event);
  void on(const ProbeDone& event);
  void on(const PortLookedAt& event);
  void on(const ChallengeAsked& event);
  void on(const ProbeAsked& event);
  void on(const EvictAsked& event);
  void on(const ReloadAsked& event);
  void on(const RotateKeyAsked& event);
  void on(const KeyLetIn& event);
  void on(const ServerChanged& event);
  void on(const DrainAsked& event);
  void on(const StatusWritten& event);
  void on(const Tick& event);
  // … and one per message of a client that is being served.
  void take(const Hello& message);
  void take(const Forwarded& message);
  void take(const Ready& message);
  void take(const Heartbeat& message);
  void take(const Check& message);
  void take(const PathSeen& message);
  void take(const Pong& message);
  void take(const Rotated& message);
  void take(const Bye& message);
  void take(const Unknown& message);

  void take_hello(const Hello& hello);
  void send(AgentMessage message);
  [[nodiscard]] Event make_event(EventKind kind, std::string reason) const;
  void log(EventKind kind, std::string reason);
  void release_events();
  void log_down(const std::string& why);
  void hold_verdict(const ForwardStatus& status);
  /// For a node that is degraded before it ever was up: the log must tell which forwards work.
  void tell_good();
  void offend(const std::string& what);
  void refuse(Refused refused);
  void restart(const std::string& why);
  void begin_ending(std::string why, Millis grace);
  void end(bool kill_sshd, std::string why);
  void settle_challenge(bool is_alive);
  void fail_rotation(const std::string& why);
  void apply(WatchedForward& forward, const ProbeReport& report);
  void seek_port(WatchedForward& forward);
  void ask_forward_again(WatchedForward& forward);
  void check(WatchedForward& forward);
  void start_probes();
  void refresh();
  [[nodiscard]] WatchedForward* find(std::string_view name);
  [[nodiscard]] bool understands(std::string_view feature) const;
  [[nodiscard]] bool is_progress_unknown() const { return !was_sampled_ && failed_samples_ > 0; }
  [[nodiscard]] MonoTime challenge_deadline() const;
  [[nodiscard]] Millis whole_limit() const;
  [[nodiscard]] MonoTime dead_man() const;
  [[nodiscard]] std::vector<ForwardStatus> forward_statuses() const;

  AgentIdentity identity_;
  Phase phase_ = Phase::hello;
  Moment now_;  // of the step that runs
  Moment started_;
  AgentActions actions_;  // of the step that runs
  MonoTime deadline_;     // hello, ending
  std::string why_;       // ending: what the status will say
  LineRate rate_;

  Hello hello_;
  ServerPolicy server_policy_;
  SessionPolicy policy_;
  std::vector<NodeForward> granted_;
  std::vector<WatchedForward> forwards_;
  std::optional<MonoTime> ready_at_;
  ReplyClock line_clock_;
  MonoTime last_progress_;
  WallTime last_seen_{};  // the last line
  std::optional<ProgressSample> last_sample_;
  bool was_sampled_ = false;  // the kernel does tell: without a sample the connection is gone
  int failed_samples_ = 0;
  std::int64_t next_challenge_ = 1;
  std::optional<Challenge> challenge_;
  std::vector<std::string> probe_requests_;
  bool is_freeing_ = false;  // a FreePort is under way
  Announce announced_;       // what the client was told of the server
  struct Rotation {
    std::string request;
    MonoTime deadline;
    bool is_answered = false;
  };
  std::optional<Rotation> rotation_;

  NodeState state_ = NodeState::down;
  std::string state_reason_;
  std::optional<WallTime> state_since_;
  std::optional<MonoTime> up_since_;  // an `up` was logged and no `down` after it
  std::optional<Event> last_up_or_down_;
  std::optional<ConflictStatus> conflict_;
  std::optional<RefusedStatus> last_refused_;
  Counters counters_;
  BackoffStatus backoff_;
  bool has_told_good_ = false;
  std::vector<Event> held_events_;  // verdicts of a session younger than kHoldEvents
  std::optional<WallTime> unwritten_since_;
  std::optional<MonoTime> rewrite_at_;  // the last write failed
  std::optional<MonoTime> forget_unwritten_at_;
};

/// A session this young that turns out to be hostile leaves one event: its verdicts are forgotten.
inline constexpr Millis kHoldEvents{5'000};
/// How often the connection's counters are read while they matter.
inline constexpr Millis kSampleInterval{500};

}  // namespace reversi::server

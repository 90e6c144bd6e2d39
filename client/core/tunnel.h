#pragma once
// THE state machine of the client: what the supervisor knows of the node's tunnel, and what it does
// next. Pure: events and the time go in, the next tunnel and a list of actions come out. The
// supervisor (client/io/supervisor.h) performs them and decides nothing.
//
//   waiting ──retry_at──▶ starting ──connected──▶ greeting ──welcome──▶ forwarding ──▶ ready
//      ▲                     │                       │                      │            │
//      └── worker exited ── stopping ◀── lost, refused, limit passed, asked to stop ─────┘
//
//   waiting     no worker. At retry_at, when a person asks, or when the network changed after a try
//               without an answer: spawn one ▶ starting.
//   starting    the worker connects and logs in, 40 s at most with each of its keys, of which there
//               are three at most; one that is wedged is given up after 125 s. connected: hello ▶
//               greeting; without an agent ▶ forwarding at once, or, where a former session of ours
//               is to be ended first, ▶ greeting for 4 s at most.
//   greeting    the agent evicts the stale session, which a challenge may delay by 18 s (limit
//               30 s). Up to 20 lines that are no JSON (a shell's greeting) are skipped. welcome:
//               ask for every granted forward ▶ forwarding. refused ▶ stopping, and back when the
//               agent said.
//   forwarding  every forward is answered and one listens: ready ▶ ready. None listens: the agent
//               may say forward_again; 90 s ▶ stopping.
//   ready       heartbeats, checks, canary, verdicts. It is `up` once every verdict is good. On a later
//               server, the earlier ones are tried every 30 minutes by a tunnel of their own, which
//               takes this one's place once it is ready (take_over()).
//   stopping    the worker was signalled, or is about to exit: SIGTERM, after 2 s SIGKILL. It
//               exited: ▶ waiting, or quit.
//
// From starting to ready: worker failed or exited, a broken line, seen stopped twice, no reply
// within the limits of Liveness (forwarding, ready), its own address gone, restart by agent or
// person ▶ stopping (waiting if the worker is gone already); the delay is chosen by tunnel_retry.h.
// Late or repeated news changes nothing.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/core/client_config.h"
#include "client/core/learned.h"
#include "client/core/tunnel_retry.h"
#include "client/core/worker_messages.h"
#include "common/core/liveness.h"
#include "common/core/protocol.h"
#include "common/core/status.h"
#include "common/core/time.h"

namespace reversi::client {

/// Who this supervisor is, for the hello.
struct Identity {
  std::string instance;
  std::string run;
  std::string machine;
  std::string version;
  std::string os;
  std::string arch;
};

/// What changes by a reload only.
struct TunnelSetup {
  ClientConfig config;  ///< with the learned servers behind the configured ones
  Identity identity;
  std::map<std::string, ServerProcess> former;  ///< agent-free: what KeepFormer kept, by server
  Millis look_every{5000};                      ///< LookAround at least this often
  std::size_t learned = 0;                      ///< how many of config.servers are
};

/// One session from the welcome on.
struct Session {
  std::string id;
  std::string agent_version;
  std::vector<std::string> agent_features;
  Connected peer;
  MonoTime began{};
  Liveness liveness;
  Life life = Life::alive;
  std::int64_t next_seq = 1;
  std::optional<ProgressSample> sample;
  MonoTime sample_at{};                ///< when progress is looked at next, while a reply is owed
  MonoTime check_at{};                 ///< when the agent is asked to probe next
  MonoTime try_earlier_at{};           ///< on a later server: when an earlier one is tried
  std::size_t earlier = 0;             ///< which one
  std::optional<MonoTime> good_since;  ///< every verdict has been good since
  std::optional<MonoTime> bad_since;   ///< one has been bad since
  std::optional<MonoTime> no_address_since;  ///< our own address has been gone since
  MonoTime address_look_at{};                ///< when that is looked at again
  std::optional<Millis> draining;
  std::optional<MonoTime> last_ack_at;
  std::optional<Millis> rtt;
};

namespace state {
struct Waiting {
  MonoTime retry_at{};
};
struct Starting {
  MonoTime deadline{};
};
struct Greeting {
  MonoTime deadline{};
  Connected peer;
  int skipped_lines = 0;
};
struct Forwarding {
  MonoTime deadline{};
  Session session;
};
struct Ready {
  MonoTime since{};
  Session session;
};
struct Stopping {
  MonoTime deadline{};
  MonoTime retry_at{};
  bool quit = false;
};
}  // namespace state

using State = std::variant<state::Waiting, state::Starting, state::Greeting, state::Forwarding,
                           state::Ready, state::Stopping>;

/// One forward of the configuration, as far as this session got.
struct ForwardTrack {
  std::string name;
  std::string listen;                ///< as granted: "localhost:20001"; empty = not granted
  std::optional<Endpoint> endpoint;  ///< the same, parsed; set = the server is asked for it
  bool replied = false;
  bool listens = false;
  Verdict verdict = Verdict::unknown;
  std::string reason;
  std::optional<Millis> latency;
  std::optional<MonoTime> checked_at;
  MonoTime since{};
};

struct CanaryTrack {
  bool opened = false;  ///< the worker was asked to listen
  bool listens = false;
  std::optional<Endpoint> listen;  ///< where, if it listens
  bool running = false;
  std::optional<bool> ok;      ///< of the last run
  bool awaits_sample = false;  ///< agent-free: a run without an answer is judged by what moved
  int silent_runs = 0;         ///< agent-free: runs in a row in which nothing moved
  std::string reason;
  std::optional<Millis> rtt;
  std::optional<MonoTime> checked_at;
};

struct Tunnel {
  std::shared_ptr<const TunnelSetup> setup;
  SessionPolicy policy;  ///< the last one a server gave
  MonoTime began{};      ///< of this supervisor
  State state;
  std::vector<ServerTries> tries;      ///< parallel to the configured servers
  std::size_t server = 0;              ///< in use, or tried next
  std::vector<ForwardTrack> forwards;  ///< parallel to the configured forwards
  CanaryTrack canary;
  std::string reason;         ///< why there is no session: the last loss
  MonoTime spoke_at{};        ///< the last line to the worker
  int stopped_sightings = 0;  ///< of the worker, in a row
  std::uint64_t starts = 0;
  NodeState word = NodeState::down;  ///< see health()
  MonoTime word_since{};
  bool config_kept = false;  ///< this configuration has reached `up`
  MonoTime look_at{};        ///< when LookAround is due
  MonoTime woken_by{};       ///< the wake-up that was asked for last
};

namespace event {
/// The time asked for by wake_at() has come, or any other look at the clock.
struct Tick {};
struct FromWorker {
  WorkerEvent message;
};
/// A line that cannot be read, or the worker does not read ours.
struct WorkerBroken {
  std::string what;
};
struct WorkerExited {
  std::string how;  ///< "killed by signal 9", "exit code 10", "cannot be started: …"
};
/// What /proc says; LookAround asks for it.
struct WorkerSeen {
  bool stopped = false;
};
struct CanaryDone {
  bool ok = false;
  std::string reason;
  Millis rtt{0};
};
/// Something happened that may have cut the path: addresses changed, the machine slept.
struct Hint {
  std::string why;
};
/// The end of MakeKey.
struct KeyMade {
  std::string request;
  std::string public_key;
  std::string error;  ///< empty = there is one
};
/// The same configuration with other learned servers.
struct ServersLearned {
  std::shared_ptr<const TunnelSetup> setup;
};
struct RestartRequest {};
struct StopRequest {};
struct Reload {
  std::shared_ptr<const TunnelSetup> setup;
};
}  // namespace event

using Event =
    std::variant<event::Tick, event::FromWorker, event::WorkerBroken, event::WorkerExited,
                 event::WorkerSeen, event::CanaryDone, event::Hint, event::KeyMade,
                 event::ServersLearned, event::RestartRequest, event::StopRequest, event::Reload>;

namespace action {
struct SpawnWorker {};
/// Report WorkerSeen, and see to what nobody tells: the clocks, a service manager that waits for a sign of life.
struct LookAround {};
struct SendWorker {
  WorkerCommand command;
};
struct SendAgent {
  ClientMessage message;
};
struct SignalWorker {
  bool kill = false;  ///< SIGKILL, else SIGTERM
};
struct SavePolicy {
  SessionPolicy policy;
};
/// Agent-free: remember, beyond our own end, which sshd process served us last.
struct KeepFormer {
  std::string server;  ///< "host:port"
  ServerProcess process;
};
/// Make the key beside `identity_file`, unless a former rotation left one there; report KeyMade.
struct MakeKey {
  std::string request;
  std::string identity_file;
  bool spares_old = false;  ///< not if the old key that is there would be lost by it
};
/// A welcome to the key beside `identity_file`: put it in its place.
struct AdoptKey {
  std::string identity_file;
};
/// The server told of its keys and names.
struct Learn {
  Announcement announcement;
};
/// Connect to `listen`, exchange(), report CanaryDone within the limit.
struct RunCanary {
  Endpoint listen;
  Expect expect;
  Millis limit{0};
  Millis stays_open_for{0};  ///< where nothing but a connection is expected
};
/// Begin a second tunnel to this server alone (setup_for()); once it is ready it takes over.
struct TryServer {
  std::size_t server = 0;
};
/// The configuration in use has reached `up`: keep it as the last good one.
struct KeepConfig {};
struct Log {
  bool warning = false;
  std::string text;
};
/// The worker is gone and nothing more is to be done.
struct Quit {};
}  // namespace action

using Action =
    std::variant<action::SpawnWorker, action::LookAround, action::SendWorker, action::SendAgent,
                 action::SignalWorker, action::SavePolicy, action::KeepFormer, action::MakeKey,
                 action::AdoptKey, action::Learn, action::RunCanary, action::TryServer,
                 action::KeepConfig, action::Log, action::Quit>;

struct Step {
  Tunnel tunnel;
  std::vector<Action> actions;
};

/// A tunnel that starts at the first Tick.
[[nodiscard]] Tunnel new_tunnel(std::shared_ptr<const TunnelSetup> setup,
                                const SessionPolicy& policy, MonoTime now);

[[nodiscard]] Step step(const Tunnel& tunnel, const Event& event, MonoTime now);

/// What a reload to `after` leaves as it is until the next session; empty = nothing.
[[nodiscard]] std::string reload_note(const Tunnel& tunnel, const TunnelSetup& after);

/// When a Tick is due if nothing else happens.
[[nodiscard]] MonoTime wake_at(const Tunnel& tunnel, MonoTime now);

/// The same node with one of its servers only, and without a canary.
[[nodiscard]] std::shared_ptr<const TunnelSetup> setup_for(const TunnelSetup& setup,
                                                           std::size_t server);
/// The tunnel to that server, now that it is ready, in the place of `former`, which is to be stopped.
[[nodiscard]] Tunnel take_over(Tunnel candidate, const Tunnel& former, std::size_t server,
                               MonoTime now);

struct Health {
  NodeState word = NodeState::down;  ///< down, unknown, up or degraded
  std::string reason;                ///< empty when up
};
/// down = no session is ready; unknown = a forward is not yet judged (30 s at most, then degraded);
/// up = every verdict is good and the canary, if there is one, came back; else degraded.
[[nodiscard]] Health health(const Tunnel& tunnel, MonoTime now);

/// The session, or nullptr before the welcome and after the end.
[[nodiscard]] const Session* session_of(const Tunnel& tunnel);
/// "waiting", "starting", …
[[nodiscard]] std::string_view state_name(const State& state);

}  // namespace reversi::client

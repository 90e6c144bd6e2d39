#include "client/core/tunnel.h"

#include <algorithm>

#include "client/core/identity_files.h"
#include "client/core/tunnel_step.h"

namespace reversi::client {
namespace {

using std::chrono::seconds;

constexpr Millis kConnectLimit{seconds{20}};  // for each of two stages, see worker_messages.h
constexpr int kMostIdentities = 3;
// The worker bounds its steps itself; this is for one that is wedged.
constexpr Millis kStartLimit = kMostIdentities * 2 * kConnectLimit + Millis{seconds{5}};
constexpr Millis kGreetingLimit{seconds{30}};
constexpr Millis kFormerLimit{seconds{4}};  // agent-free: for the former session to end
constexpr Millis kTermLimit{seconds{2}};
constexpr Millis kLeaveLimit{seconds{1}};
constexpr Millis kKillAgainAfter{seconds{5}};
constexpr Millis kSlack{500};            // done with a wake-up that comes this much earlier anyway
constexpr Millis kLookAgainAfter{2000};  // once the worker was seen stopped
constexpr int kStoppedSightings = 2;

LossKind loss_kind(Failure failure) {
  switch (failure) {
    case Failure::no_answer:
      return LossKind::no_answer;
    case Failure::closed:
      return LossKind::closed;
    case Failure::host_key:
      return LossKind::host_key;
    case Failure::key_refused:
      return LossKind::key_refused;
    case Failure::lost:
    case Failure::setup:
    case Failure::parent_gone:
      break;
  }
  return LossKind::lost;
}

/// Of servers of which nothing is known but who served us last, before this supervisor began.
std::vector<ServerTries> fresh_tries(const TunnelSetup& setup) {
  std::vector<ServerTries> tries(setup.config.servers.size());
  for (std::size_t i = 0; i < tries.size(); ++i) {
    const auto found = setup.former.find(format_endpoint(setup.config.servers[i].endpoint));
    if (found != setup.former.end()) tries[i].former = found->second;
  }
  return tries;
}

std::string in_seconds(Millis wait) {
  const auto tenths = (std::max(wait, Millis{0}).count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

// ---- the worker's life ---------------------------------------------------------------------------

void TunnelStep::handle(const Event& event) {
  std::visit([this](const auto& e) { on(e); }, event);
}

Step TunnelStep::result() && {
  const Health now_is = health(t_, now_);
  if (now_is.word != t_.word) {
    t_.word = now_is.word;
    t_.word_since = now_;
    const std::string why = now_is.reason.empty() ? "" : ": " + now_is.reason;
    log(std::string(node_state_name(now_is.word)) + why);
  }
  if (t_.word == NodeState::up && !t_.config_kept) {
    t_.config_kept = true;
    actions_.push_back(action::KeepConfig{});
  }
  t_.woken_by = wake_at(t_, now_);
  return {std::move(t_), std::move(actions_)};
}

bool TunnelStep::has_worker() const {
  return !std::holds_alternative<state::Waiting>(t_.state);
}

void TunnelStep::on(const event::Tick&) {
  // What was owed may lie in the pipe unread.
  const bool overslept = now_ - t_.woken_by >= kOversleptLimit;
  const auto rules = overloaded{
      [&](const state::Waiting& s) {
        if (now_ >= s.retry_at) start();
      },
      [&](const state::Starting& s) {
        if (now_ < s.deadline) return;
        lose({LossKind::lost, "the worker did not connect within " + in_seconds(kStartLimit), {}},
             End::kill);
      },
      [&](const state::Greeting& s) {
        if (now_ < s.deadline) return;
        if (!config().agent) return begin_agent_free(Connected{s.peer});
        lose({LossKind::lost, "no welcome from the agent within " + in_seconds(kGreetingLimit), {}},
             End::terminate);
      },
      [&](const state::Forwarding&) { session_tick(); },
      [&](const state::Ready&) { session_tick(); },
      [&](const state::Stopping& s) {
        if (now_ < s.deadline) return;
        actions_.push_back(action::SignalWorker{.kill = true});
        std::get<state::Stopping>(t_.state).deadline = now_ + kKillAgainAfter;
      },
  };
  if (overslept && session() != nullptr) {
    on(event::Hint{"this process was not running for " + in_seconds(now_ - t_.woken_by)});
  } else {
    std::visit(rules, State{t_.state});
  }
  const bool speaks = has_worker() && !std::holds_alternative<state::Stopping>(t_.state);
  if (speaks && now_ >= t_.spoke_at + kAliveEvery - kSlack) send(Alive{});
  if (now_ < t_.look_at - kSlack) return;
  t_.look_at = now_ + t_.setup->look_every;
  actions_.push_back(action::LookAround{});
}

void TunnelStep::start() {
  ++t_.starts;
  t_.stopped_sightings = 0;
  t_.state = state::Starting{now_ + kStartLimit};
  actions_.push_back(action::SpawnWorker{});
  send(start_message(t_.server));
}

Start TunnelStep::start_message(std::size_t server) const {
  return {.server = config().servers[server].endpoint,
          .user = config().servers[server].user,
          .identity_file = config().identity_file,
          .leaves_out_next = t_.tries[server].leaves_out_next,
          .known_hosts_files = {config().known_hosts_file,
                                learned_known_hosts_file(config().state_dir)},
          .run_as = config().user,
          .connect_limit = kConnectLimit,
          .max_buffered_bytes = config().max_buffered_mib * 1024 * 1024,
          .agent = config().agent,
          .command = config().agent ? "" : former_session_command(t_.tries[server].former)};
}

void TunnelStep::connected(const Connected& peer) {
  ServerTries& tries = t_.tries[t_.server];
  tries.last_login = now_;
  tries.key_refusals = 0;
  tries.no_answers = 0;
  const bool is_usual = peer.identity_file.empty() || peer.identity_file == config().identity_file;
  log("logged in to " + peer.address + " (host key " + peer.host_key + ")" +
      (is_usual ? "" : " with " + peer.identity_file));
  if (config().agent) {
    t_.state = state::Greeting{now_ + kGreetingLimit, peer, 0};
    return tell(hello());
  }
  if (!tries.former) return begin_agent_free(peer);
  // The command that ends the former session is under way.
  t_.state = state::Greeting{now_ + kFormerLimit, peer, 0};
}

/// Nobody grants and nobody sets the pace: the configuration does both.
void TunnelStep::begin_agent_free(const Connected& peer) {
  Welcome welcome;
  for (const ForwardConfig& forward : config().forwards) {
    if (forward.listen) welcome.grants.push_back({forward.name, format_endpoint(*forward.listen)});
  }
  welcome.policy.retry_first = config().backoff.first;
  welcome.policy.retry_longest = config().backoff.longest;
  welcome.policy.spread = config().backoff.spread;
  begin_session(welcome, peer);
}

void TunnelStep::agent_free_line(const std::string& line) {
  const auto process = parse_session_line(line);
  const auto* greeting = std::get_if<state::Greeting>(&t_.state);
  ServerTries& tries = t_.tries[t_.server];
  if (process) {
    tries.former = process;
    tries.runs_commands = true;
    const std::string server = format_endpoint(config().servers[t_.server].endpoint);
    actions_.push_back(action::KeepFormer{server, *process});
  } else if (line.empty() && greeting != nullptr) {
    // Not allowed, or too slow this time: then the former session is ended by a later one.
    tries.runs_commands = false;
  } else {
    return;
  }
  if (greeting != nullptr) begin_agent_free(Connected{greeting->peer});
}

void TunnelStep::on(const event::FromWorker& event) {
  const bool stopping = std::holds_alternative<state::Stopping>(t_.state);
  if (!has_worker() || stopping) return;
  t_.stopped_sightings = 0;
  const auto rules = overloaded{
      [&](const Connected& peer) {
        if (std::holds_alternative<state::Starting>(t_.state)) connected(peer);
      },
      [&](const Failed& failed) {
        const bool key = failed.failure == Failure::key_refused;
        const std::string text = (key ? "key refused: " : "") + failed.text;
        lose({loss_kind(failed.failure), text, {}}, End::leaves);
      },
      [&](const AgentLine& line) {
        if (!config().agent) return agent_free_line(line.line);
        if (auto* greeting = std::get_if<state::Greeting>(&t_.state)) {
          return greeting_line(*greeting, line.line);
        }
        if (session() != nullptr) agent_line(line.line);
      },
      [&](const ForwardReply& reply) { forward_reply(reply); },
      [&](const CanaryReply& reply) { canary_reply(reply); },
      [&](const ProbeSeen& seen) {
        if (session() != nullptr) tell(PathSeen{seen.probe, seen.target});
      },
      [&](const Sampled& sample) { sampled(sample); },
  };
  std::visit(rules, event.message);
}

void TunnelStep::on(const event::WorkerBroken& event) {
  const bool stopping = std::holds_alternative<state::Stopping>(t_.state);
  if (has_worker() && !stopping) lose({LossKind::lost, "worker: " + event.what, {}}, End::kill);
}

void TunnelStep::on(const event::WorkerExited& event) {
  if (std::holds_alternative<state::Stopping>(t_.state)) return worker_gone();
  if (has_worker()) lose({LossKind::lost, "the worker ended: " + event.how, {}}, End::gone);
}

void TunnelStep::on(const event::WorkerSeen& event) {
  t_.stopped_sightings = event.stopped ? t_.stopped_sightings + 1 : 0;
  if (event.stopped) t_.look_at = std::min(t_.look_at, now_ + kLookAgainAfter);
  const bool stopping = std::holds_alternative<state::Stopping>(t_.state);
  if (!has_worker() || stopping || t_.stopped_sightings < kStoppedSightings) return;
  lose({LossKind::lost, "the worker is stopped (process state T)", {}}, End::kill);
}

void TunnelStep::on(const event::KeyMade& event) {
  if (event.error.empty()) log("a new key is there and is offered to the server");
  if (!event.error.empty()) warn("no new key: " + event.error);
  if (session() != nullptr) {
    tell(Rotated{event.request, event.public_key, printable(event.error, kMaxReasonBytes)});
  }
}

void TunnelStep::on(const event::RestartRequest&) {
  for (ServerTries& tries : t_.tries) tries.retry_at = std::min(tries.retry_at, now_);
  if (auto* waiting = std::get_if<state::Waiting>(&t_.state)) {
    waiting->retry_at = now_;
    return on(event::Tick{});
  }
  if (auto* stopping = std::get_if<state::Stopping>(&t_.state)) {
    stopping->retry_at = now_;
    return;
  }
  lose({LossKind::wanted, "a restart was asked for", {}}, End::terminate);
}

void TunnelStep::on(const event::StopRequest&) {
  if (!has_worker()) return actions_.push_back(action::Quit{});
  if (auto* stopping = std::get_if<state::Stopping>(&t_.state)) {
    stopping->quit = true;
    return;
  }
  tell(Bye{"the supervisor stops"});
  lose({LossKind::wanted, "stopping", {}}, End::terminate);
  std::get<state::Stopping>(t_.state).quit = true;
}

/// Takes a configuration of which nothing is known yet.
void TunnelStep::use(std::shared_ptr<const TunnelSetup> setup) {
  t_.setup = std::move(setup);
  t_.server = 0;
  t_.tries = fresh_tries(*t_.setup);
  t_.forwards.clear();
  for (const ForwardConfig& forward : config().forwards) {
    t_.forwards.push_back({.name = forward.name, .since = now_});
  }
}

void TunnelStep::lose(const Loss& loss, End end) {
  Reached reached;
  if (const auto* ready = std::get_if<state::Ready>(&t_.state)) {
    reached = {true, now_ - ready->since >= t_.policy.stable_after, ready->session.draining};
  }
  ServerTries& tries = t_.tries[t_.server];
  tries = after_loss(tries, loss, reached, {t_.policy, config().node, t_.starts, t_.began}, now_);
  const auto* greeting = std::get_if<state::Greeting>(&t_.state);
  tries.leaves_out_next =
      greeting != nullptr && greeting->peer.identity_file == next_identity(config().identity_file);
  // A server that served us is tried first again; one that did not lets the next one try.
  const auto next = choose_server(t_.tries, reached.ready ? 0 : t_.server + 1, now_);
  const std::string server = format_endpoint(config().servers[t_.server].endpoint);
  t_.reason = loss.text.starts_with(server) ? loss.text : server + ": " + loss.text;
  const std::string retry = "; next try in " + in_seconds(next.at - now_);
  loss.kind == LossKind::wanted ? log(loss.text) : warn(t_.reason + retry);
  t_.server = next.server;
  t_.canary = {};
  for (ForwardTrack& forward : t_.forwards) forward = {.name = forward.name, .since = now_};
  if (end == End::gone) {
    t_.state = state::Waiting{next.at};
    return on(event::Tick{});
  }
  if (end != End::leaves) actions_.push_back(action::SignalWorker{.kill = end == End::kill});
  const Millis limit = end == End::terminate ? kTermLimit
                       : end == End::leaves  ? kLeaveLimit
                                             : kKillAgainAfter;
  t_.state = state::Stopping{now_ + limit, next.at, false};
}

void TunnelStep::worker_gone() {
  const auto stopping = std::get<state::Stopping>(t_.state);
  t_.state = state::Waiting{stopping.retry_at};
  if (stopping.quit) return actions_.push_back(action::Quit{});
  on(event::Tick{});
}

void TunnelStep::send(WorkerCommand command) {
  t_.spoke_at = now_;
  actions_.push_back(action::SendWorker{std::move(command)});
}

// ---- the tunnel as others see it -----------------------------------------------------------------

Tunnel new_tunnel(std::shared_ptr<const TunnelSetup> setup, const SessionPolicy& policy,
                  MonoTime now) {
  Tunnel tunnel;
  tunnel.policy = policy;
  tunnel.began = now;
  tunnel.word_since = now;
  tunnel.woken_by = now;
  tunnel.look_at = now;
  tunnel.reason = "starting";
  tunnel.state = state::Waiting{now};
  tunnel.tries = fresh_tries(*setup);
  for (const ForwardConfig& forward : setup->config.forwards) {
    tunnel.forwards.push_back({.name = forward.name, .since = now});
  }
  tunnel.setup = std::move(setup);
  return tunnel;
}

Step step(const Tunnel& tunnel, const Event& event, MonoTime now) {
  TunnelStep step(tunnel, now);
  step.handle(event);
  return std::move(step).result();
}

}  // namespace reversi::client

// The session's half of the tunnel's state machine: from the welcome to the loss.

#include <algorithm>
#include <utility>

#include "client/core/identity_files.h"
#include "client/core/tunnel_step.h"

namespace reversi::client {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Millis kForwardingLimit{seconds{90}};
constexpr Millis kSampleEvery{500};
constexpr Millis kAgentFreeCheck{seconds{30}};
constexpr Millis kAgentFreeCheckMetered{minutes{5}};
constexpr int kMostSkippedLines = 20;

bool is_named(const std::vector<std::string>& features, std::string_view name) {
  return std::ranges::find(features, name) != features.end();
}

bool is_json(std::string_view line) {
  const auto first = line.find_first_not_of(" \t");
  return first != std::string_view::npos && line[first] == '{';
}

}  // namespace

Session* TunnelStep::session() {
  return const_cast<Session*>(session_of(t_));
}

ForwardTrack* TunnelStep::track(std::string_view name) {
  const auto found = std::ranges::find(t_.forwards, name, &ForwardTrack::name);
  return found == t_.forwards.end() ? nullptr : &*found;
}

Hello TunnelStep::hello() const {
  const Identity& identity = t_.setup->identity;
  Hello hello{.features = client_features(),
              .node = config().node,
              .instance = identity.instance,
              .run = identity.run,
              .machine = identity.machine,
              .client_version = identity.version,
              .os = identity.os,
              .arch = identity.arch,
              .metered = config().metered,
              .forwards = {}};
  for (const ForwardConfig& forward : config().forwards) {
    const auto listen = forward.listen
                            ? std::optional<std::string>(format_endpoint(*forward.listen))
                            : std::nullopt;
    hello.forwards.push_back({forward.name, format_target(forward.target), listen, forward.expect});
  }
  return hello;
}

/// Sends a message to the agent if there is one and it understands the type.
void TunnelStep::tell(ClientMessage message) {
  if (!config().agent) return;
  const std::string_view type = type_name(message);
  const Session* s = session();
  const bool optional = is_named(agent_features(), type);
  if (optional && (s == nullptr || !is_named(s->agent_features, type))) return;
  t_.spoke_at = now_;
  actions_.push_back(action::SendAgent{std::move(message)});
}

// ---- the welcome ---------------------------------------------------------------------------------

void TunnelStep::greeting_line(state::Greeting& greeting, const std::string& line) {
  if (!is_json(line)) {
    warn("skipped a line before the welcome: " + printable(line, 80));
    if (++greeting.skipped_lines <= kMostSkippedLines) return;
    return lose({LossKind::lost, "the server's shell talks too much before the agent speaks", {}},
                End::terminate);
  }
  const auto message = decode_agent_message(line);
  if (!message) {
    return lose({LossKind::lost, "agent: " + message.error().line(), {}}, End::terminate);
  }
  if (const auto* welcome = std::get_if<Welcome>(&*message)) {
    return begin_session(*welcome, Connected{greeting.peer});
  }
  if (const auto* refused = std::get_if<Refused>(&*message)) {
    const std::string reason(refused_reason_name(refused->reason));
    const std::string text = refused->text.empty() ? "" : ": " + printable(refused->text);
    lose({LossKind::refused, "refused (" + reason + ")" + text, refused->retry_after},
         End::terminate);
  }
}

void TunnelStep::begin_session(const Welcome& welcome, const Connected& peer) {
  if (welcome.policy != t_.policy && config().agent) {
    actions_.push_back(action::SavePolicy{welcome.policy});
  }
  t_.policy = welcome.policy;
  if (peer.identity_file == next_identity(config().identity_file)) {
    actions_.push_back(action::AdoptKey{config().identity_file});
  }
  t_.state =
      state::Forwarding{now_ + kForwardingLimit,
                        Session{.id = welcome.session,
                                .agent_version = welcome.server_version,
                                .agent_features = welcome.features,
                                .peer = peer,
                                .began = now_,
                                .liveness = Liveness({.interval = welcome.policy.heartbeat}, now_),
                                .sample = {},
                                .good_since = {},
                                .bad_since = {},
                                .no_address_since = {},
                                .address_look_at = {},
                                .draining = {},
                                .last_ack_at = {},
                                .rtt = {}}};
  t_.look_at = now_;  // in step with the beats from here on: one wake-up for both
  learn(peer, welcome.host_keys, welcome.servers);
  t_.reason.clear();
  for (ForwardTrack& forward : t_.forwards) {
    const auto grant = std::ranges::find(welcome.grants, forward.name, &Grant::forward);
    if (grant == welcome.grants.end()) {
      forward.verdict = Verdict::not_granted;
      forward.reason = "the server does not know this forward";
      continue;
    }
    const auto endpoint = parse_endpoint(grant->listen);
    const auto& wanted = find_forward(config(), forward.name)->listen;
    if (!endpoint || (wanted && *wanted != *endpoint)) {
      forward.verdict = Verdict::not_granted;
      forward.reason = "granted " + printable(grant->listen, 80) +
                       (wanted ? ", but the configuration says " + format_endpoint(*wanted) : "");
      continue;
    }
    forward.listen = format_endpoint(*endpoint);
    forward.endpoint = *endpoint;
    ask(forward);
  }
  const bool asked = std::ranges::any_of(
      t_.forwards, [](const ForwardTrack& forward) { return forward.endpoint.has_value(); });
  if (!asked) {
    return lose({LossKind::lost, "the server grants none of this node's forwards", {}},
                End::terminate);
  }
  session_tick();
}

void TunnelStep::ask(ForwardTrack& forward) {
  forward.replied = false;
  send(Forward{forward.name, *forward.endpoint, find_forward(config(), forward.name)->target});
}

void TunnelStep::forward_reply(const ForwardReply& reply) {
  ForwardTrack* forward = track(reply.forward);
  if (session() == nullptr || forward == nullptr || !forward->endpoint) return;
  forward->replied = true;
  forward->listens = reply.listens;
  if (forward->verdict == Verdict::unknown) {
    forward->reason = reply.listens ? "" : printable(reply.error);
  }
  if (!reply.listens) warn("forward " + forward->name + ": " + printable(reply.error));
  tell(Forwarded{forward->name, reply.listens, printable(reply.error)});
  open_canary_if_due();
  become_ready_if_answered();
}

void TunnelStep::become_ready_if_answered() {
  const auto* forwarding = std::get_if<state::Forwarding>(&t_.state);
  if (forwarding == nullptr) return;
  bool listens = false;
  for (const ForwardTrack& forward : t_.forwards) {
    if (forward.endpoint && !forward.replied) return;
    listens = listens || forward.listens;
  }
  if (!listens) return;
  Session session = forwarding->session;
  session.check_at = now_;
  session.try_earlier_at = now_ + t_.policy.try_earlier;
  t_.state = state::Ready{now_, std::move(session)};
  // Not an optional type, and the agent probes from here on.
  tell(reversi::Ready{});
  session_tick();
  run_canary();
}

// ---- the agent speaks ----------------------------------------------------------------------------

void TunnelStep::agent_line(const std::string& line) {
  const auto message = decode_agent_message(line);
  if (message) return from_agent(*message);
  lose({LossKind::lost, "agent: " + message.error().line(), {}}, End::terminate);
}

void TunnelStep::from_agent(const AgentMessage& message) {
  Session& s = *session();
  const auto rules = overloaded{
      [&](const HeartbeatAck&) {
        const auto rtt = s.liveness.replied(now_);
        if (!rtt) return;
        s.rtt = rtt;
        s.last_ack_at = now_;
        if (s.life != Life::alive)
          log("the agent answers again after " + std::to_string(rtt->count()) + " ms");
        s.life = Life::alive;
      },
      [&](const ExpectProbe& probe) {
        send(WatchProbe{probe.probe, probe.forward, probe.originator_port,
                        t_.policy.probe_limit / 2});
      },
      [&](const Ping& ping) { tell(Pong{ping.challenge}); },
      [&](const VerdictReport& report) { take_verdict(report); },
      [&](const ForwardAgain& again) {
        ForwardTrack* forward = track(again.forward);
        if (forward != nullptr && forward->endpoint) ask(*forward);
      },
      [&](const Restart& restart) {
        lose({LossKind::restart, "the server asked for a restart: " + printable(restart.reason),
              restart.retry_after},
             End::terminate);
      },
      [&](const RotateKey& rotate) {
        // Of several servers one may know only the old key; not the one that has just taken it.
        const bool spares_old = config().servers.size() > 1 &&
                                s.peer.identity_file != old_identity(config().identity_file);
        actions_.push_back(action::MakeKey{rotate.request, config().identity_file, spares_old});
      },
      [&](const Announce& announce) { learn(s.peer, announce.host_keys, announce.servers); },
      [&](const Draining& draining) {
        s.draining = draining.retry_after;
        log("the server is draining");
      },
      [&](const auto&) {},  // a second welcome, a late refusal, types of later versions
  };
  std::visit(rules, message);
}

void TunnelStep::take_verdict(const VerdictReport& report) {
  ForwardTrack* forward = track(report.forward);
  if (forward == nullptr) return;
  forward->checked_at = now_;
  forward->latency = report.latency;
  forward->reason = printable(report.reason);
  if (forward->verdict != report.verdict) {
    forward->verdict = report.verdict;
    forward->since = now_;
    const std::string why = report.reason.empty() ? "" : ": " + forward->reason;
    log("forward " + forward->name + ": " + std::string(verdict_name(report.verdict)) + why);
  }
  note_goodness();
}

void TunnelStep::note_goodness() {
  Session& s = *session();
  const bool good = std::ranges::all_of(
      t_.forwards, [](const ForwardTrack& forward) { return is_good(forward.verdict); });
  const bool bad = std::ranges::any_of(t_.forwards, [](const ForwardTrack& forward) {
    return forward.verdict != Verdict::unknown && !is_good(forward.verdict);
  });
  if (!bad) s.bad_since.reset();
  if (bad && !s.bad_since) {
    s.bad_since = now_;
    s.check_at = std::min(s.check_at, now_ + t_.policy.heartbeat);
  }
  if (!good) {
    s.good_since.reset();
  } else if (!s.good_since) {
    s.good_since = now_;
    // The service is back: so should be the canary that failed with it.
    if (t_.canary.ok == false) run_canary();
  }
}

// ---- time passes ---------------------------------------------------------------------------------

void TunnelStep::session_tick() {
  Session& s = *session();
  const auto* forwarding = std::get_if<state::Forwarding>(&t_.state);
  if (forwarding != nullptr && now_ >= forwarding->deadline) {
    return lose({LossKind::lost, "the server lets none of the forwards listen", {}},
                End::terminate);
  }
  const auto* ready = std::get_if<state::Ready>(&t_.state);
  if (ready != nullptr && now_ - ready->since >= t_.policy.stable_after) {
    t_.tries[t_.server].failures = 0;
  }
  if (config().agent) {
    if (s.liveness.is_beat_due(now_)) {
      tell(Heartbeat{s.next_seq++});
      s.liveness.beat_sent(now_);
      s.sample.reset();
      s.sample_at = now_ + kSampleEvery;
    }
    const Life life = s.liveness.judge(now_);
    if (life == Life::dead) {
      return lose({LossKind::lost, "the path is dead: no reply from the agent", {}}, End::kill);
    }
    const bool newly_suspect = life == Life::suspect && s.life == Life::alive;
    s.life = life;
    if (newly_suspect) {
      warn("no reply from the agent in time; looking closer");
      run_canary();
    }
    if (s.liveness.is_reply_owed() && now_ >= s.sample_at) {
      s.sample_at = now_ + kSampleEvery;
      send(TakeSample{});
    }
  }
  if (s.no_address_since && now_ >= s.address_look_at) {
    s.address_look_at = now_ + kAddressLookEvery;
    send(TakeSample{});
  }
  if (ready != nullptr && t_.server > 0 && now_ >= s.try_earlier_at) try_earlier_server();
  if (ready == nullptr || now_ < s.check_at) return;
  if (!t_.canary.listens) {
    t_.canary.opened = false;  // its port was taken: perhaps it is free by now
    open_canary_if_due();
  }
  if (!config().agent) {
    s.check_at = now_ + (config().metered ? kAgentFreeCheckMetered : kAgentFreeCheck);
    for (ForwardTrack& forward : t_.forwards) {
      // There is no agent to say forward_again.
      if (forward.endpoint && forward.replied && !forward.listens) ask(forward);
    }
    return run_canary();
  }
  s.check_at = now_ + check_interval(s);
  tell(Check{});
  if (t_.canary.ok == false) run_canary();
  const Millis limit = config().max_session_age;
  // The answer says whether a channel is open; sampled() ends the session if none is.
  if (limit > Millis{0} && now_ - s.began >= limit) send(TakeSample{});
}

/// Who is mending a service looks at the status meanwhile; one that stays down is not worth the bytes.
Millis TunnelStep::check_interval(const Session& s) const {
  const auto lasts = [&](std::optional<MonoTime> since) {
    return since && now_ - *since >= t_.policy.healthy_after;
  };
  if (lasts(s.good_since)) return t_.policy.check_healthy;
  const bool is_fresh = s.bad_since && !lasts(s.bad_since);
  return is_fresh ? std::min(t_.policy.heartbeat, t_.policy.check) : t_.policy.check;
}

}  // namespace reversi::client

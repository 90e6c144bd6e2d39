#include "server/core/agent_session.h"

#include <algorithm>
#include <type_traits>

#include "common/core/backoff.h"
#include "server/core/node_view.h"

namespace reversi::server {
namespace {

/// Told to go, the client has this long before its sshd is ended.
constexpr Millis kGrace{3'000};
/// A node may ask for a check of one forward this often.
constexpr Millis kCheckInterval{1'000};

template <class T>
constexpr bool always_counts =
    std::is_same_v<T, InputEnded> || std::is_same_v<T, BadInput> ||
    std::is_same_v<T, OutputStuck> || std::is_same_v<T, StatusWritten> || std::is_same_v<T, Tick>;

}  // namespace

AgentSession::AgentSession(AgentIdentity identity, Millis hello_limit, Moment now)
    : identity_(std::move(identity)),
      now_(now),
      started_(now),
      deadline_(now.mono + hello_limit),
      rate_(now.mono),
      last_progress_(now.mono) {}

AgentActions AgentSession::step(const AgentEvent& event, Moment now) {
  now_ = now;
  actions_.clear();
  if (phase_ != Phase::ended) {
    std::visit(
        [this](const auto& e) {
          if (phase_ != Phase::ending || always_counts<std::decay_t<decltype(e)>>) return on(e);
          if constexpr (requires { e.request; }) {
            actions_.emplace_back(Reply{e.request, "the session is ending", {}, {}, false});
          }
        },
        event);
    if (phase_ == Phase::serve) start_probes();
    if (phase_ == Phase::serve) refresh();
  }
  return std::exchange(actions_, {});
}

// ---- the client's lines

void AgentSession::on(const Received& event) {
  rate_.take(now_.mono);
  last_progress_ = now_.mono;
  if (rate_.is_abused(now_.mono)) return offend("too many lines for a minute");
  if (phase_ == Phase::hello) {
    const auto* hello = std::get_if<Hello>(&event.message);
    if (hello == nullptr) {
      return offend("expected hello, got " + std::string(type_name(event.message)));
    }
    return take_hello(*hello);
  }
  if (phase_ == Phase::claim) {
    return offend(std::string(type_name(event.message)) + " before welcome");
  }
  line_clock_.start(now_.mono);
  last_seen_ = now_.wall;
  // An old client knows no ping: then any line is its answer.
  if (challenge_ && !understands("ping")) settle_challenge(true);
  std::visit([this](const auto& message) { take(message); }, event.message);
}

void AgentSession::take_hello(const Hello& hello) {
  if (hello.node != identity_.node) {
    return offend("hello names node \"" + hello.node + "\", but the key is that of " +
                  identity_.node);
  }
  for (auto forward = hello.forwards.begin(); forward != hello.forwards.end(); ++forward) {
    const auto is_same = [&](const HelloForward& other) { return other.name == forward->name; };
    if (std::any_of(hello.forwards.begin(), forward, is_same)) {
      return offend("hello names forward \"" + forward->name + "\" twice");
    }
  }
  hello_ = hello;
  // They go to people's terminals by way of status.json, which escapes only what is below U+0020.
  for (std::string* text :
       {&hello_.client_version, &hello_.os, &hello_.arch, &hello_.instance, &hello_.machine}) {
    *text = printable(*text, kMaxNameBytes);
  }
  for (HelloForward& forward : hello_.forwards) {
    forward.target = printable(forward.target, forward.target.size());
  }
  rate_.set_forwards(hello.forwards.size());
  phase_ = Phase::claim;
  actions_.emplace_back(StartClaim{hello_});
}

void AgentSession::take(const Hello& /*message*/) {
  offend("a second hello");
}

void AgentSession::take(const Forwarded& message) {
  WatchedForward* forward = find(message.forward);
  if (forward == nullptr || !forward->is_served) {
    return offend("forwarded names \"" + message.forward + "\", which was not granted");
  }
  // A request that fails takes nothing away: what sshd bound for an earlier one stays.
  forward->listens = message.listens || forward->listens.value_or(false);
  if (message.listens) forward->is_half = false;
  forward->refusal = message.error;
  forward->last_sight.reset();
  forward->is_wanted = ready_at_.has_value();
}

void AgentSession::take(const Ready& /*message*/) {
  if (ready_at_) return;
  ready_at_ = now_.mono;
  for (WatchedForward& forward : forwards_) forward.is_wanted = forward.is_served;
}

void AgentSession::take(const Heartbeat& message) {
  send(HeartbeatAck{message.seq});
  actions_.emplace_back(TouchAlive{});
}

void AgentSession::take(const Check& message) {
  for (WatchedForward& forward : forwards_) {
    const bool is_meant = !message.forward || *message.forward == forward.status.name;
    if (!is_meant || !forward.is_served || forward.is_probing) continue;
    // One too many waits instead of being dropped: what it is about may be news.
    const bool is_early = forward.checked_at && now_.mono < *forward.checked_at + kCheckInterval;
    is_early ? void(forward.check_at = *forward.checked_at + kCheckInterval) : check(forward);
  }
}

void AgentSession::check(WatchedForward& forward) {
  forward.checked_at = now_.mono;
  forward.check_at.reset();
  forward.is_wanted = true;
}

void AgentSession::take(const PathSeen& message) {
  actions_.emplace_back(DeliverPath{message});
}

void AgentSession::take(const Pong& message) {
  if (challenge_ && challenge_->number == message.challenge) settle_challenge(true);
}

void AgentSession::take(const Bye& message) {
  begin_ending(message.reason.empty() ? "the node said good-bye"
                                      : "the node said good-bye: " + printable(message.reason),
               kGrace);
}

void AgentSession::take(const Unknown& /*message*/) {}

// ---- the input and the output

void AgentSession::on(const BadInput& event) {
  // Nothing is read after it; a client that was told to go is gone with it.
  if (phase_ == Phase::ending) return end(true, why_);
  offend(event.what);
}

void AgentSession::on(const InputEnded& event) {
  end(false, phase_ == Phase::ending ? why_ : event.why);
}

void AgentSession::on(const OutputStuck& /*event*/) {
  end(true, phase_ == Phase::ending ? why_ : "the node does not read what the agent writes");
}

void AgentSession::offend(const std::string& what) {
  if (!held_events_.empty()) has_told_good_ = false;
  held_events_.clear();
  log(EventKind::protocol_error, printable(what, kMaxReasonBytes));
  end(true, "protocol error: " + printable(what, kMaxReasonBytes));
}

void AgentSession::send(AgentMessage message) {
  const bool is_plain = std::holds_alternative<Welcome>(message) ||
                        std::holds_alternative<Refused>(message) ||
                        std::holds_alternative<HeartbeatAck>(message);
  if (is_plain || understands(type_name(message))) actions_.emplace_back(Send{std::move(message)});
}

bool AgentSession::understands(std::string_view feature) const {
  return std::ranges::find(hello_.features, feature) != hello_.features.end();
}

// ---- the claim

void AgentSession::on(const Claimed& event) {
  server_policy_ = event.policy;
  policy_ = session_policy(event.policy, hello_.metered, event.fleet_size);
  granted_ = event.granted;
  MatchedForwards matched = match_forwards(event.granted, hello_, now_.wall);
  last_up_or_down_ = event.last_up_or_down;
  if (event.previous) {
    conflict_ = event.previous->conflict;
    last_refused_ = event.previous->last_refused;
    counters_ = event.previous->counters;
    backoff_.failures = event.previous->backoff.failures;
  }
  if (!event.problem.empty()) log(EventKind::file_error, event.problem);
  if (matched.grants.empty()) {
    return refuse({RefusedReason::no_grant, "no forward of this node is granted by the server",
                   event.policy.refused_retry});
  }
  counters_.sessions += 1;
  counters_.evictions += event.evictions;
  backoff_.spread = policy_.spread;
  forwards_ = std::move(matched.forwards);
  Welcome welcome;
  welcome.features = agent_features();
  welcome.session = identity_.session;
  welcome.server_version = identity_.server_version;
  welcome.grants = std::move(matched.grants);
  welcome.not_granted = std::move(matched.not_granted);
  welcome.policy = policy_;
  welcome.host_keys = event.host_keys;
  welcome.servers = event.policy.servers;
  announced_ = {welcome.host_keys, welcome.servers};
  phase_ = Phase::serve;
  last_seen_ = now_.wall;
  line_clock_.start(now_.mono);
  send(std::move(welcome));
  actions_.emplace_back(SettleKey{});
  actions_.emplace_back(TouchAlive{});
  actions_.emplace_back(WriteStatus{});
}

void AgentSession::on(const ClaimRefused& event) {
  refuse(event.refused);
}

void AgentSession::refuse(Refused refused) {
  const std::string word(refused_reason_name(refused.reason));
  log(EventKind::refused, word + ": " + refused.text);
  begin_ending("refused: " + word, kGrace);
  send(std::move(refused));
}

// ---- time

void AgentSession::on(const Sampled& event) {
  if (event.sample) was_sampled_ = true;
  // The first may have met a connection that just ended: then there is nothing to tell.
  if (!event.sample && ++failed_samples_ == 2 && !was_sampled_) {
    log(EventKind::file_error,
        "the kernel does not tell whether the session moves (INET_DIAG), so a forward that hangs "
        "is noticed after a minute: `modprobe tcp_diag`");
  }
  if (event.sample && last_sample_ && is_progress(*last_sample_, *event.sample)) {
    last_progress_ = now_.mono;
    line_clock_.progressed(now_.mono);
    if (challenge_) challenge_->clock.progressed(now_.mono);
  }
  last_sample_ = event.sample;
}

void AgentSession::on(const StatusWritten& event) {
  constexpr Millis kRewrite{5'000};
  constexpr Millis kForget{60'000};
  if (!event.is_good) {
    if (!unwritten_since_ || forget_unwritten_at_) unwritten_since_ = now_.wall;
    forget_unwritten_at_.reset();
    rewrite_at_ = now_.mono + kRewrite;
    return;
  }
  rewrite_at_.reset();
  // What was just written says so; it may be forgotten once somebody had time to read it.
  if (unwritten_since_ && !forget_unwritten_at_) forget_unwritten_at_ = now_.mono + kForget;
}

void AgentSession::on(const Tick& /*event*/) {
  const MonoTime now = now_.mono;
  if (phase_ == Phase::hello && now >= deadline_) return end(true, "no hello in time");
  if (phase_ == Phase::ending && now >= deadline_) return end(true, why_);
  if (phase_ != Phase::serve) return;
  if (!wants_sample(now)) last_sample_.reset();
  if (now >= dead_man()) {
    return end(true, "the node was silent for " +
                         std::to_string((now - line_clock_.asked()).count() / 1000) + " s");
  }
  if (challenge_ && now >= challenge_deadline()) settle_challenge(false);
  if (rotation_ && now >= rotation_->deadline) fail_rotation("the node did not answer in time");
  for (WatchedForward& forward : forwards_) {
    if (forward.ask_again_at && now >= *forward.ask_again_at) seek_port(forward);
    if (forward.check_at && now >= *forward.check_at) check(forward);
  }
  if (rewrite_at_ && now >= *rewrite_at_) {
    rewrite_at_.reset();
    actions_.emplace_back(WriteStatus{});
  }
  if (forget_unwritten_at_ && now >= *forget_unwritten_at_) {
    forget_unwritten_at_.reset();
    unwritten_since_.reset();
    actions_.emplace_back(WriteStatus{});
  }
}

Millis AgentSession::quiet_limit(Millis limit) const {
  // A full link delays every reply, and would be taken for a dead one.
  return is_progress_unknown() ? std::max(limit, LivenessPolicy{}.progress_limit) : limit;
}

MonoTime AgentSession::challenge_deadline() const {
  const Millis whole = server_policy_.challenge_progress;
  const Millis quiet = is_progress_unknown() ? whole : server_policy_.challenge_silence;
  return challenge_->clock.deadline(quiet, whole);
}

Millis AgentSession::whole_limit() const {
  // As liveness.h: progress without a line is not believed for longer than this.
  return std::max(LivenessPolicy{}.progress_limit, policy_.dead_after);
}

MonoTime AgentSession::dead_man() const {
  return line_clock_.deadline(policy_.dead_after, whole_limit());
}

bool AgentSession::wants_sample(MonoTime now) const {
  if (phase_ != Phase::serve) return false;
  const bool is_probing = std::ranges::any_of(forwards_, &WatchedForward::is_probing);
  // A heartbeat that is late: from here on progress matters to the dead-man switch.
  const bool is_late = now - line_clock_.asked() > policy_.heartbeat + policy_.heartbeat / 8;
  return challenge_ || is_probing || is_late;
}

MonoTime AgentSession::next_deadline() const {
  constexpr Millis kIdle{60'000};
  if (phase_ == Phase::hello || phase_ == Phase::ending) return deadline_;
  if (phase_ != Phase::serve) return now_.mono + kIdle;
  MonoTime next = dead_man();
  const auto at = [&](std::optional<MonoTime> moment) {
    if (moment) next = std::min(next, *moment);
  };
  at(line_clock_.asked() + policy_.heartbeat + policy_.heartbeat / 8 + Millis{1});
  if (wants_sample(now_.mono)) next = dead_man();  // the shell samples, and ticks with each sample
  if (challenge_) at(challenge_deadline());
  if (rotation_) at(rotation_->deadline);
  for (const WatchedForward& forward : forwards_) {
    at(forward.ask_again_at);
    at(forward.check_at);
  }
  if (!held_events_.empty()) at(started_.mono + kHoldEvents);
  at(rewrite_at_);
  at(forget_unwritten_at_);
  if (state_ == NodeState::unknown && ready_at_) {
    at(std::max(now_.mono, *ready_at_ + kUnknownLimit) + Millis{1});
  }
  return next;
}

// ---- the end

void AgentSession::restart(const std::string& why) {
  const bool was_stable = now_.mono - started_.mono >= policy_.stable_after;
  backoff_.failures = was_stable ? 0 : backoff_.failures + 1;
  const BackoffPolicy backoff{policy_.retry_first, policy_.retry_longest, policy_.spread};
  backoff_.retry_after =
      was_stable ? Millis{0}
                 : backoff_delay(backoff, identity_.node, static_cast<int>(backoff_.failures));
  send(Restart{printable(why, kMaxReasonBytes), backoff_.retry_after});
  begin_ending(why, kGrace);
}

void AgentSession::begin_ending(std::string why, Millis grace) {
  phase_ = Phase::ending;
  why_ = std::move(why);
  deadline_ = now_.mono + grace;
}

void AgentSession::end(bool kill_sshd, std::string why) {
  phase_ = Phase::ended;
  state_ = NodeState::down;
  state_reason_ = why;
  state_since_ = now_.wall;
  release_events();
  log_down(why);
  actions_.emplace_back(EndSession{kill_sshd, std::move(why)});
}

}  // namespace reversi::server

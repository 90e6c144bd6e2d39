// The part of AgentSession that probes, judges and reports.

#include <algorithm>
#include <utility>

#include "server/core/agent_session.h"
#include "server/core/node_view.h"

namespace reversi::server {

WatchedForward* AgentSession::find(std::string_view name) {
  const auto found = std::ranges::find_if(
      forwards_, [&](const WatchedForward& forward) { return forward.status.name == name; });
  return found == forwards_.end() ? nullptr : &*found;
}

void AgentSession::start_probes() {
  if (!understands("expect_probe")) return;
  // Each forward may be probed over two address families at once.
  const auto most = std::max<std::int64_t>(1, server_policy_.probes_at_once / 2);
  auto active = std::ranges::count_if(forwards_, &WatchedForward::is_probing);
  for (WatchedForward& forward : forwards_) {
    if (active >= most) return;
    if (!forward.is_wanted || forward.is_probing) continue;
    forward.is_wanted = false;
    forward.is_probing = true;
    ++active;
    const bool is_refused = forward.listens.has_value() && !*forward.listens;
    actions_.emplace_back(StartProbe{forward.status.name, forward.port, forward.expect,
                                     policy_.probe_limit, is_refused, forward.refusal});
  }
}

void AgentSession::on(const ProbeSlow& event) {
  WatchedForward* forward = find(event.forward);
  if (forward == nullptr || !forward->is_probing) return;
  const std::string why = is_progress_unknown()
                              ? "the kernel does not tell whether the link is busy"
                              : "the link is busy";
  apply(*forward, {Sight::no_path_yet, why + ": the probe is still under way", {}});
}

void AgentSession::on(const ProbeDone& event) {
  WatchedForward* forward = find(event.forward);
  if (forward == nullptr || !forward->is_probing) return;
  forward->is_probing = false;
  const Verdict seen = verdict_row(event.report.sight).verdict;
  if (seen != Verdict::unknown) counters_.checks += 1;
  if (seen != Verdict::unknown && !is_good(seen)) counters_.failed_checks += 1;
  apply(*forward, event.report);
}

void AgentSession::apply(WatchedForward& forward, const ProbeReport& report) {
  const bool another_works = std::ranges::any_of(
      forwards_, [&](const WatchedForward& other) { return &other != &forward && other.works; });
  const Verdict before = forward.status.verdict;
  const Judged judged = judge_probe(forward, report, another_works, now_);
  const ForwardStatus& status = forward.status;
  if (judged.has_changed) {
    send(VerdictReport{status.name, status.verdict, printable(status.reason, kMaxReasonBytes),
                       status.latency});
    // From unknown to good is what everybody expects; the rest is for the log.
    const bool is_plain =
        (before == Verdict::unknown || is_good(before)) && is_good(status.verdict);
    if (!is_plain || (has_told_good_ && before == Verdict::unknown)) hold_verdict(status);
  }
  actions_.emplace_back(WriteStatus{});
  if (judged.next == Next::probe_again) forward.is_wanted = true;
  if (judged.next == Next::forward_again) send(ForwardAgain{status.name});
  if (judged.next == Next::restart) {
    restart("forward " + status.name + ": " + std::string(verdict_name(status.verdict)) + ": " +
            status.reason);
  }
}

void AgentSession::hold_verdict(const ForwardStatus& status) {
  Event event = make_event(EventKind::verdict, status.reason);
  event.forward = status.name;
  event.verdict = status.verdict;
  held_events_.push_back(std::move(event));
}

void AgentSession::tell_good() {
  if (up_since_ || std::exchange(has_told_good_, true)) return;
  for (const WatchedForward& forward : forwards_) {
    if (is_good(forward.status.verdict)) hold_verdict(forward.status);
  }
}

void AgentSession::seek_port(WatchedForward& forward) {
  forward.ask_again_at = now_.mono + kAskAgain;
  const bool may_be_stale =
      forward.last_sight && verdict_row(*forward.last_sight).cure == Cure::free_port;
  if (!may_be_stale) return ask_forward_again(forward);
  // Two searches at once would wake each other's holders, and neither would find anybody.
  if (!std::exchange(is_freeing_, true)) {
    actions_.emplace_back(FreePort{forward.status.name, forward.port});
  } else {
    forward.ask_again_at = now_.mono + kProbeLater;
  }
}

void AgentSession::on(const PortLookedAt& event) {
  is_freeing_ = false;
  if (event.has_evicted) counters_.evictions += 1;
  WatchedForward* forward = find(event.forward);
  if (forward != nullptr) ask_forward_again(*forward);
}

void AgentSession::ask_forward_again(WatchedForward& forward) {
  // sshd binds what it can get of 127.0.0.1 and ::1, so asking is right even where one of them is
  // ours already. The node's `forwarded` brings the next probe.
  const bool is_asked = understands("forward_again");
  if (is_asked) send(ForwardAgain{forward.status.name});
  if (!is_asked) forward.is_wanted = true;
}

std::vector<ForwardStatus> AgentSession::forward_statuses() const {
  std::vector<ForwardStatus> statuses;
  for (const WatchedForward& forward : forwards_) statuses.push_back(forward.status);
  return statuses;
}

void AgentSession::refresh() {
  const bool is_answered = std::ranges::none_of(forwards_, [](const WatchedForward& forward) {
    return forward.is_served && (forward.is_wanted || forward.is_probing);
  });
  if (is_answered) {
    for (const std::string& request : probe_requests_) {
      actions_.emplace_back(Reply{request, {}, {}, {}, true});
    }
    probe_requests_.clear();
  }
  if (now_.mono - started_.mono >= policy_.stable_after) backoff_.failures = 0;
  if (now_.mono >= started_.mono + kHoldEvents) release_events();
  // By the clock that nobody sets.
  const auto ready_at =
      ready_at_ ? std::optional(now_.wall - (now_.mono - *ready_at_)) : std::nullopt;
  const Judgement judged = judge_session(forward_statuses(), conflict_, ready_at, now_.wall);
  if (judged.state == state_ && judged.reason == state_reason_ && state_since_) return;
  if (judged.state != state_ || !state_since_) state_since_ = now_.wall;
  state_ = judged.state;
  state_reason_ = judged.reason;
  if (state_ == NodeState::down) log_down(state_reason_);
  if (state_ == NodeState::degraded) tell_good();
  if (state_ == NodeState::up && !up_since_) {
    log(EventKind::up, {});
    Event& event = std::get<LogEvent>(actions_.back()).event;
    if (last_up_or_down_ && last_up_or_down_->kind == EventKind::down &&
        now_.wall > last_up_or_down_->at) {
      event.was_down = now_.wall - last_up_or_down_->at;
    }
    last_up_or_down_ = event;
    up_since_ = now_.mono;
  }
  actions_.emplace_back(WriteStatus{});
}

Event AgentSession::make_event(EventKind kind, std::string reason) const {
  Event event;
  event.at = now_.wall;
  event.kind = kind;
  event.session = identity_.session;
  event.reason = std::move(reason);
  event.address = identity_.client_address;
  return event;
}

void AgentSession::log(EventKind kind, std::string reason) {
  actions_.emplace_back(LogEvent{make_event(kind, std::move(reason))});
}

void AgentSession::release_events() {
  for (Event& event : std::exchange(held_events_, {})) {
    actions_.emplace_back(LogEvent{std::move(event)});
  }
}

void AgentSession::log_down(const std::string& why) {
  if (!up_since_ && !has_told_good_) return;
  log(EventKind::down, why);
  Event& event = std::get<LogEvent>(actions_.back()).event;
  if (up_since_) event.was_up = now_.mono - *up_since_;
  last_up_or_down_ = event;
  up_since_.reset();
  has_told_good_ = false;
}

NodeStatus AgentSession::status(WallTime now) const {
  NodeStatus status;
  status.node = identity_.node;
  status.state = state_;
  status.reason = state_reason_;
  status.since = state_since_;
  status.last_seen = last_seen_;
  status.dead_after = policy_.dead_after;
  status.metered = hello_.metered;
  status.written_at = now;
  status.unwritten_since = unwritten_since_;
  status.session = SessionStatus{.id = identity_.session,
                                 .client_address = identity_.client_address,
                                 .client_port = identity_.client_port,
                                 .started_at = started_.wall,
                                 .sshd_pid = identity_.sshd_pid,
                                 .agent_pid = identity_.agent_pid,
                                 .client_version = hello_.client_version,
                                 .os = hello_.os,
                                 .arch = hello_.arch,
                                 .instance = hello_.instance,
                                 .machine = hello_.machine};
  status.forwards = forward_statuses();
  status.conflict = conflict_;
  status.last_refused = last_refused_;
  status.counters = counters_;
  status.backoff = backoff_;
  return status;
}

}  // namespace reversi::server

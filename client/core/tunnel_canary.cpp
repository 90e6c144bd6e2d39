// The canary's part of the tunnel's state machine: when it runs, and what its outcome means.

#include <algorithm>
#include <utility>

#include "client/core/tunnel_step.h"

namespace reversi::client {
namespace {

constexpr Millis kCanaryAgainAfter{std::chrono::seconds{10}};
constexpr Millis kStaysOpenFor{1000};

/// The canary's listener takes every connection, even while the path is dead or the worker hangs: only
/// an answer proves anything.
bool sends_bytes(const ForwardConfig* forward) {
  return forward->expect.value_or(Expect{}).kind != Expect::Kind::connect;
}

}  // namespace

void TunnelStep::open_canary_if_due() {
  if (!config().canary || t_.canary.opened) return;
  const ForwardTrack* forward = track(config().canary->forward);
  if (forward == nullptr || !forward->listens) return;
  t_.canary.opened = true;
  send(OpenCanary{config().canary->listen, *forward->endpoint});
}

void TunnelStep::canary_reply(const CanaryReply& reply) {
  if (!config().canary) return;
  CanaryTrack& canary = t_.canary;
  canary.listens = reply.listens;
  canary.listen.reset();
  if (reply.listens) canary.listen = reply.listen.value_or(config().canary->listen);
  if (!reply.listens) canary.reason = reply.error;
  if (!reply.error.empty()) {
    warn("canary: " + reply.error +
         (reply.listens ? "; it listens on " + format_endpoint(*canary.listen) + " instead" : ""));
  }
  run_canary();
}

void TunnelStep::run_canary() {
  const bool ready = std::holds_alternative<state::Ready>(t_.state);
  if (!ready || !config().canary || !t_.canary.listens || t_.canary.running) return;
  t_.canary.running = true;
  if (!config().agent) {
    // What has been received until now: growth by the end of the run is the proof of the path.
    session()->sample.reset();
    send(TakeSample{});
  }
  const ForwardConfig* forward = find_forward(config(), config().canary->forward);
  const Millis limit = t_.policy.probe_limit;
  // Without an agent what the session moved meanwhile is the judgement: a slow path needs the time.
  actions_.push_back(action::RunCanary{*t_.canary.listen, forward->expect.value_or(Expect{}), limit,
                                       config().agent ? std::min(limit, kStaysOpenFor) : limit});
}

void TunnelStep::on(const event::CanaryDone& event) {
  if (session() == nullptr || !config().canary || !t_.canary.running) return;
  t_.canary.running = false;
  if (t_.canary.ok != event.ok) {
    event.ok ? log("canary: back after " + std::to_string(event.rtt.count()) + " ms")
             : warn("canary: " + event.reason);
  }
  t_.canary.ok = event.ok;
  t_.canary.reason = event.ok ? "" : event.reason;
  t_.canary.rtt = event.ok ? std::optional(event.rtt) : std::nullopt;
  t_.canary.checked_at = now_;
  // A path that was slow for a moment must not look degraded until the next check.
  const bool disputed = !event.ok && config().agent && session()->good_since;
  if (disputed) session()->check_at = std::min(session()->check_at, now_ + kCanaryAgainAfter);
  if (config().agent) return;
  const bool is_proven = event.ok && sends_bytes(find_forward(config(), config().canary->forward));
  // What was asked after the last run is still owed: the worker hangs, and nothing can move.
  const bool is_unanswered = std::exchange(t_.canary.awaits_sample, !is_proven);
  if (is_proven || is_unanswered) return judge_agent_free(is_proven);
  send(TakeSample{});
}

/// Without an agent the canary judges its forward: it came back, or it did not but the session
/// moved (the service is at fault), or nothing moved, twice (the tunnel is dead).
void TunnelStep::judge_agent_free(bool moved) {
  CanaryTrack& canary = t_.canary;
  if (!moved && canary.ok == true) {
    canary.ok = false;
    canary.reason = "the connection stays open, but nothing came back over the session";
  }
  const bool ok = canary.ok.value_or(false);
  canary.silent_runs = moved ? 0 : canary.silent_runs + 1;
  take_verdict({.forward = config().canary->forward,
                .verdict = ok      ? Verdict::healthy
                           : moved ? Verdict::service_down
                                   : Verdict::hung,
                .reason = canary.reason,
                .latency = canary.rtt});
  if (canary.silent_runs == 0) return;
  if (canary.silent_runs == 1) return run_canary();
  lose({LossKind::lost, "the path is dead: the canary did not come back, twice", {}}, End::kill);
}

}  // namespace reversi::client

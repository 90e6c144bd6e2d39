// The canary's part of the tunnel's state machine: when it runs, and what its outcome means.

#include <algorithm>
#include <utility>

#include "client/core/tunnel_step.h"

namespace reversi::client {
namespace {

constexpr Millis kCanaryAgainAfter{std::chrono::seconds{10}};

}  // namespace

void TunnelStep::open_canary_if_due() {
  if (!config().canary || t_.canary.opened) return;
  const ForwardTrack* forward = track(config().canary->forward);
  if (forward == nullptr || !forward->listens) return;
  t_.canary.opened = true;
  send(OpenCanary{config().canary->listen, *forward->endpoint});
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
  actions_.push_back(action::RunCanary{config().canary->listen, forward->expect.value_or(Expect{}),
                                       t_.policy.probe_limit});
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
  t_.canary.awaits_sample = !event.ok;
  event.ok ? judge_agent_free(true) : send(TakeSample{});
}

/// Without an agent the canary judges its forward: it came back, or it did not but the session
/// moved (the service is at fault), or nothing moved, twice (the tunnel is dead).
void TunnelStep::judge_agent_free(bool moved) {
  CanaryTrack& canary = t_.canary;
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

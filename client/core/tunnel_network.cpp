// The network's part of the tunnel's state machine: what the session moved, whether its address is still
// there, and what a change of addresses, routes or clocks means.

#include <utility>

#include "client/core/tunnel_step.h"

namespace reversi::client {

void TunnelStep::sampled(const Sampled& sample) {
  Session* s = session();
  if (s == nullptr) return;
  const bool moved = s->sample && is_progress(*s->sample, sample.progress);
  if (moved) s->liveness.progressed(now_);
  // While an agent-free canary runs, its baseline stays.
  const bool is_baseline = s->sample && t_.canary.running && !config().agent;
  if (!is_baseline) s->sample = sample.progress;
  if (!sample.address_gone) {
    s->no_address_since.reset();
  } else if (!s->no_address_since) {
    s->no_address_since = now_;
    s->address_look_at = now_ + kAddressLookEvery;
  } else if (now_ - *s->no_address_since >= kAddressLookEvery) {
    return lose({LossKind::lost, "this node's address changed: nothing reaches the old one", {}},
                End::kill);
  }
  const Millis limit = config().max_session_age;
  const bool old = limit > Millis{0} && now_ - s->began >= limit;
  if (old && sample.open_channels == 0) {
    return lose({LossKind::wanted, "the session has reached its greatest age", {}}, End::terminate);
  }
  // During the next run it is too late for a judgement, but the worker answers.
  const bool is_judged = std::exchange(t_.canary.awaits_sample, false) && !t_.canary.running;
  if (is_judged) judge_agent_free(moved);
}

void TunnelStep::on(const event::Hint& event) {
  Session* s = session();
  if (s == nullptr) return try_again_if_unreachable(event.why);
  log("looking closer: " + event.why);
  const Millis slept = now_ - t_.woken_by;
  slept >= kOversleptLimit ? s->liveness.overslept(now_, slept) : s->liveness.hint(now_);
  s->life = Life::suspect;
  t_.woken_by = now_;
  session_tick();
  if (session() == nullptr) return;
  // Where the address is gone there is nothing to wait for.
  send(TakeSample{});
  run_canary();
}

/// A server that did not answer may be reached now; one that refused us says the same as before.
void TunnelStep::try_again_if_unreachable(const std::string& why) {
  auto* waiting = std::get_if<state::Waiting>(&t_.state);
  auto* stopping = std::get_if<state::Stopping>(&t_.state);
  if (waiting == nullptr && stopping == nullptr) return;
  bool is_news = false;
  for (ServerTries& tries : t_.tries) {
    if (tries.no_answers == 0 || tries.retry_at <= now_) continue;
    tries.retry_at = now_;
    is_news = true;
  }
  if (!is_news) return;
  log("trying again: " + why);
  t_.server = choose_server(t_.tries, t_.server, now_).server;
  (waiting != nullptr ? waiting->retry_at : stopping->retry_at) = now_;
  if (waiting != nullptr) on(event::Tick{});
}

}  // namespace reversi::client

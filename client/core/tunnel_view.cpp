// The tunnel as others see it: its health, its session, and when it wants to be woken.

#include <algorithm>
#include <array>

#include "client/core/tunnel_step.h"

namespace reversi::client {
namespace {

constexpr Millis kUnjudgedLimit{std::chrono::seconds{30}};

}  // namespace

const Session* session_of(const Tunnel& tunnel) {
  if (const auto* forwarding = std::get_if<state::Forwarding>(&tunnel.state)) {
    return &forwarding->session;
  }
  const auto* ready = std::get_if<state::Ready>(&tunnel.state);
  return ready == nullptr ? nullptr : &ready->session;
}

MonoTime wake_at(const Tunnel& tunnel, MonoTime now) {
  const auto rules = overloaded{
      [](const state::Waiting& s) { return s.retry_at; },
      [](const state::Ready& s) {
        const MonoTime judged_by = s.since + kUnjudgedLimit;
        return std::min(s.session.check_at, judged_by);
      },
      [](const auto& s) { return s.deadline; },
  };
  MonoTime at = std::visit(rules, tunnel.state);
  if (const auto* ready = std::get_if<state::Ready>(&tunnel.state)) {
    // Once past, the limit for a first verdict wakes nobody.
    if (now >= ready->since + kUnjudgedLimit) at = ready->session.check_at;
  }
  const Session* session = session_of(tunnel);
  if (session != nullptr && tunnel.setup->config.agent) {
    at = std::min(at, session->liveness.next_deadline(now));
    if (session->liveness.is_reply_owed()) at = std::min(at, session->sample_at);
  }
  if (session != nullptr && session->no_address_since) at = std::min(at, session->address_look_at);
  const bool on_a_later = std::holds_alternative<state::Ready>(tunnel.state) && tunnel.server > 0;
  if (on_a_later) at = std::min(at, session->try_earlier_at);
  at = std::min(at, tunnel.look_at);
  const bool speaks = !std::holds_alternative<state::Waiting>(tunnel.state) &&
                      !std::holds_alternative<state::Stopping>(tunnel.state);
  return speaks ? std::min(at, tunnel.spoke_at + kAliveEvery) : at;
}

Health health(const Tunnel& tunnel, MonoTime now) {
  const auto* ready = std::get_if<state::Ready>(&tunnel.state);
  if (ready == nullptr) {
    const bool begins = session_of(tunnel) != nullptr && tunnel.reason.empty();
    return {NodeState::down, begins ? "asking for the forwards" : tunnel.reason};
  }
  const bool judged_by_now = now >= ready->since + kUnjudgedLimit;
  const CanaryTrack& canary = tunnel.canary;
  const bool wants_canary = tunnel.setup->config.canary.has_value();
  std::string unjudged;
  for (const ForwardTrack& forward : tunnel.forwards) {
    if (is_good(forward.verdict)) continue;
    if (forward.verdict == Verdict::unknown && forward.listens) {
      // Without an agent only the canary's forward is ever judged.
      const auto& config = tunnel.setup->config;
      const bool judged = config.agent || (wants_canary && config.canary->forward == forward.name);
      if (judged) unjudged = forward.name + ": not yet judged";
      continue;
    }
    const std::string what(forward.verdict == Verdict::unknown ? "not listening"
                                                               : verdict_name(forward.verdict));
    return {NodeState::degraded,
            forward.name + ": " + what + (forward.reason.empty() ? "" : ": " + forward.reason)};
  }
  if (wants_canary && canary.ok == false) return {NodeState::degraded, "canary: " + canary.reason};
  if (wants_canary && canary.opened && !canary.listens && !canary.reason.empty()) {
    return {NodeState::degraded, "canary: " + canary.reason};
  }
  if (unjudged.empty() && wants_canary && !canary.ok) unjudged = "canary: not yet back";
  if (unjudged.empty()) return {NodeState::up, {}};
  return {judged_by_now ? NodeState::degraded : NodeState::unknown, unjudged};
}

std::string_view state_name(const State& state) {
  constexpr std::array<std::string_view, 6> kNames{"waiting",    "starting", "greeting",
                                                   "forwarding", "ready",    "stopping"};
  return kNames[state.index()];
}

}  // namespace reversi::client

#include "server/core/node_view.h"

#include <algorithm>
#include <utility>

namespace reversi::server {
namespace {

std::string seconds_text(Millis duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

bool is_recent_conflict(const std::optional<ConflictStatus>& conflict, WallTime now) {
  return conflict && now - conflict->last_seen < kConflictCounts;
}

std::string forward_reason(const ForwardStatus& forward) {
  std::string text = forward.name + ": " + std::string(verdict_name(forward.verdict));
  if (!forward.reason.empty()) text += ", " + forward.reason;
  return text;
}

/// When the node was last heard of, by heartbeat or by what its agent wrote.
std::optional<WallTime> last_seen(const NodeFiles& files) {
  std::optional<WallTime> seen = files.alive_at;
  if (files.status) seen = std::max(seen, files.status->last_seen);
  if (files.session) seen = std::max(seen, std::optional(files.session->started_at));
  return seen;
}

bool has_live_status(const NodeFiles& files) {
  return files.status && files.status->session && files.session &&
         files.status->session->id == files.session->session;
}

/// Why the node is down although files may say otherwise; empty when its session is to be believed.
std::string down_reason(const NodeFiles& files, const NodeStatus& status, WallTime now) {
  if (!files.session) return "no session";
  if (!files.agent_lives) {
    const bool told = files.status && files.status->state == NodeState::down;
    if (files.session->ended_at && told && !files.status->reason.empty())
      return files.status->reason;
    if (files.session->ended_at) return "the session ended";
    return "the agent was killed, or the server restarted";
  }
  const WallTime heard = files.alive_at.value_or(files.session->started_at);
  // One that is yet to come would count for as long as the clock was set back.
  if (heard - now > status.dead_after) return "no heartbeat since the clock was set back";
  const Millis silence = std::max(now - heard, Millis{0});
  if (silence > status.dead_after) {
    return "no heartbeat for " + seconds_text(silence) + " (limit " +
           seconds_text(status.dead_after) + ")";
  }
  if (files.status && !has_live_status(files)) return "a session is being set up";
  return {};
}

/// Nothing is known of a forward whose session is gone: a program that reads only verdicts must not
/// find a `healthy` from yesterday.
void forget_verdicts(NodeStatus& status, std::optional<WallTime> since) {
  for (ForwardStatus& forward : status.forwards) {
    if (forward.verdict == Verdict::unknown) continue;
    forward.verdict = Verdict::unknown;
    forward.reason = "no session";
    forward.latency.reset();
    if (since) forward.since = *since;
  }
}

/// Every forward that the admin granted is in the list, also one the session has not heard of yet.
void add_granted(NodeStatus& status, const NodeRecord& record, WallTime since) {
  std::vector<ForwardStatus> forwards;
  for (const NodeForward& granted : record.forwards) {
    const auto known =
        std::ranges::find(status.forwards, granted.name.text(), &ForwardStatus::name);
    if (known != status.forwards.end() && known->listen == format_listen(granted.port)) {
      forwards.push_back(*known);
      continue;
    }
    ForwardStatus fresh;
    fresh.name = granted.name.text();
    fresh.listen = format_listen(granted.port);
    fresh.reason = "not yet judged";
    fresh.since = status.since.value_or(since);
    forwards.push_back(std::move(fresh));
  }
  for (const ForwardStatus& forward : status.forwards) {
    if (forward.verdict == Verdict::not_granted) forwards.push_back(forward);
  }
  status.forwards = std::move(forwards);
}

void become(NodeStatus& status, NodeState state, std::string reason,
            std::optional<WallTime> since) {
  if (status.state != state) status.since = since;
  status.state = state;
  status.reason = std::move(reason);
}

void decide(NodeStatus& status, const NodeFiles& files, WallTime now) {
  const auto seen = last_seen(files);
  if (files.record && !files.record->enabled) {
    become(status, NodeState::disabled, "disabled by the administrator", files.record_at);
    status.session.reset();
    return forget_verdicts(status, seen);
  }
  if (!files.session && !seen) {
    return become(status, NodeState::never_seen, "never connected", files.record_at);
  }
  if (std::string why = down_reason(files, status, now); !why.empty()) {
    become(status, NodeState::down, std::move(why), seen);
    status.session.reset();
    return forget_verdicts(status, seen);
  }
  if (!files.status) return become(status, NodeState::unknown, "nothing written yet", seen);
  const bool too_long =
      status.state == NodeState::unknown && status.since && now - *status.since > kUnknownLimit;
  if (too_long) become(status, NodeState::degraded, "a forward is still not judged", now);
}

}  // namespace

Judgement judge_session(const std::vector<ForwardStatus>& forwards,
                        const std::optional<ConflictStatus>& conflict,
                        std::optional<WallTime> ready_at, WallTime now) {
  if (!ready_at) return {NodeState::down, "a session is being set up"};
  const auto is = [](Verdict verdict) {
    return [verdict](const ForwardStatus& forward) { return forward.verdict == verdict; };
  };
  const auto listens = [](const ForwardStatus& forward) {
    return forward.verdict != Verdict::not_listening && forward.verdict != Verdict::port_taken &&
           forward.verdict != Verdict::not_granted && forward.verdict != Verdict::not_requested;
  };
  if (std::ranges::none_of(forwards, listens)) {
    const std::string why = forwards.empty() ? "no forwards" : forward_reason(forwards.front());
    return {NodeState::down, "no forward listens (" + why + ")"};
  }
  const auto bad = std::ranges::find_if(forwards, [](const ForwardStatus& forward) {
    return !is_good(forward.verdict) && forward.verdict != Verdict::unknown;
  });
  const auto unjudged = std::ranges::find_if(forwards, is(Verdict::unknown));
  if (unjudged != forwards.end()) {
    const std::string why = unjudged->name + ": not yet judged";
    if (now - *ready_at <= kUnknownLimit) return {NodeState::unknown, why};
    return {NodeState::degraded, bad == forwards.end() ? why : forward_reason(*bad)};
  }
  if (bad != forwards.end()) return {NodeState::degraded, forward_reason(*bad)};
  if (is_recent_conflict(conflict, now)) {
    return {NodeState::degraded, "conflict: another machine uses this node's identity, from " +
                                     conflict->client_address};
  }
  return {NodeState::up, ""};
}

NodeStatus view_node(const NodeFiles& files, WallTime now) {
  NodeStatus status = files.status.value_or(NodeStatus{});
  status.node = files.node;
  status.last_seen = last_seen(files);
  if (files.unwritten_since) status.unwritten_since = files.unwritten_since;
  decide(status, files, now);
  if (files.record) add_granted(status, *files.record, files.record_at.value_or(now));
  if (!files.problem.empty()) {
    status.reason += (status.reason.empty() ? "" : "; ") + files.problem;
  }
  return status;
}

bool is_unclosed(const NodeFiles& files) {
  return files.session && !files.session->ended_at && !files.agent_lives;
}

std::optional<Event> owed_down(const NodeFiles& files, const std::optional<Event>& last_up_or_down,
                               WallTime now) {
  if (!is_unclosed(files)) return std::nullopt;
  if (!last_up_or_down || last_up_or_down->kind != EventKind::up) return std::nullopt;
  const WallTime heard = last_seen(files).value_or(now);
  Event event;
  event.at = now;
  event.kind = EventKind::down;
  event.session = files.session->session;
  event.reason =
      "the agent was killed, or the server restarted; last heartbeat " + format_rfc3339(heard);
  event.was_up = std::max(heard - last_up_or_down->at, Millis{0});
  return event;
}

}  // namespace reversi::server

#include "server/core/node_view.h"

#include <algorithm>
#include <utility>

#include "server/core/state_rows.h"

namespace reversi::server {
namespace {

std::string seconds_text(Millis duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
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

/// Of a recorded session.
WallTime last_heartbeat(const NodeFiles& files) {
  return files.alive_at.value_or(files.session->started_at);
}

bool has_live_status(const NodeFiles& files) {
  return files.status && files.status->session && files.session &&
         files.status->session->id == files.session->session;
}

ReaderFacts facts_of(const NodeFiles& files, WallTime now) {
  static const NodeStatus kNone;
  const NodeStatus& status = files.status ? *files.status : kNone;
  ReaderFacts facts;
  facts.is_disabled = files.record && !files.record->enabled;
  facts.has_no_session = !files.session;
  facts.was_never_seen = facts.has_no_session && !last_seen(files);
  facts.has_no_status = !files.status;
  // As far in the future it is of before the clock was set back: nobody knows for how long.
  facts.is_unknown_for_long =
      status.state == NodeState::unknown && status.since &&
      (now - *status.since > kUnknownLimit || *status.since - now > kUnknownLimit);
  if (facts.has_no_session) return facts;
  facts.has_ended = !files.agent_lives && files.session->ended_at;
  facts.was_killed = !files.agent_lives;
  const WallTime heard = last_heartbeat(files);
  // One that is yet to come would count for as long as the clock was set back.
  facts.beats_in_future = heard - now > status.dead_after;
  facts.is_silent = now - heard > status.dead_after;
  facts.is_of_another = files.status && !has_live_status(files);
  return facts;
}

std::string reader_reason(StateRule rule, const NodeFiles& files, WallTime now) {
  switch (rule) {
    case StateRule::disabled:
      return "disabled by the administrator";
    case StateRule::never_seen:
      return "never connected";
    case StateRule::no_session:
      return "no session";
    case StateRule::ended: {
      const bool told = files.status && files.status->state == NodeState::down;
      return told && !files.status->reason.empty() ? files.status->reason : "the session ended";
    }
    case StateRule::killed:
      return "the agent was killed, or the server restarted";
    case StateRule::clock_set_back:
      return "no heartbeat since the clock was set back";
    case StateRule::silent:
      return "no heartbeat for " + seconds_text(now - last_heartbeat(files)) + " (limit " +
             seconds_text(files.status.value_or(NodeStatus{}).dead_after) + ")";
    case StateRule::of_another_session:
      return "a session is being set up";
    case StateRule::nothing_written:
      return "nothing written yet";
    case StateRule::unjudged_for_long:
      return "a forward is still not judged";
    default:
      return {};
  }
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
      forwards.push_back(std::move(*known));
      continue;
    }
    ForwardStatus fresh;
    fresh.name = granted.name.text();
    fresh.listen = format_listen(granted.port);
    fresh.reason = "not yet judged";
    fresh.since = status.since.value_or(since);
    forwards.push_back(std::move(fresh));
  }
  for (ForwardStatus& forward : status.forwards) {
    if (forward.verdict == Verdict::not_granted) forwards.push_back(std::move(forward));
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
  const ReaderRow& row = first_match(kReaderRows, facts_of(files, now));
  if (row.rule == StateRule::as_written) return;
  const auto since = [&]() -> std::optional<WallTime> {
    if (row.rule == StateRule::disabled || row.rule == StateRule::never_seen)
      return files.record_at;
    return row.rule == StateRule::unjudged_for_long ? now : last_seen(files);
  };
  become(status, row.state, reader_reason(row.rule, files, now), since());
  if (row.state != NodeState::disabled && row.state != NodeState::down) return;
  status.session.reset();
  forget_verdicts(status, last_seen(files));
}

/// What of a session's forwards counts; a pointer is null if there is none of its kind.
struct Forwards {
  const ForwardStatus* bad = nullptr;
  const ForwardStatus* unjudged = nullptr;
  bool any_listens = false;
};

Forwards look_at(const std::vector<ForwardStatus>& forwards) {
  Forwards seen;
  for (const ForwardStatus& forward : forwards) {
    const bool is_unjudged = forward.verdict == Verdict::unknown;
    if (is_unjudged && seen.unjudged == nullptr) seen.unjudged = &forward;
    if (!is_unjudged && !is_good(forward.verdict) && seen.bad == nullptr) seen.bad = &forward;
    seen.any_listens =
        seen.any_listens ||
        (forward.verdict != Verdict::not_listening && forward.verdict != Verdict::port_taken &&
         forward.verdict != Verdict::not_granted && forward.verdict != Verdict::not_requested);
  }
  return seen;
}

}  // namespace

bool is_recent_conflict(const std::optional<ConflictStatus>& conflict, WallTime now) {
  return conflict && conflict->last_seen <= now && now - conflict->last_seen < kConflictCounts;
}

Judgement judge_session(const std::vector<ForwardStatus>& forwards,
                        const std::optional<ConflictStatus>& conflict,
                        std::optional<WallTime> ready_at, WallTime now) {
  const Forwards seen = look_at(forwards);
  const bool is_late = ready_at && now - *ready_at > kUnknownLimit;
  const SessionFacts facts{.is_not_ready = !ready_at,
                           .none_listens = !seen.any_listens,
                           .is_unjudged = seen.unjudged != nullptr && !is_late,
                           .is_unjudged_for_long = seen.unjudged != nullptr && is_late,
                           .has_bad_verdict = seen.bad != nullptr,
                           .has_conflict = is_recent_conflict(conflict, now)};
  const SessionRow& row = first_match(kSessionRows, facts);
  const auto reason = [&]() -> std::string {
    switch (row.rule) {
      case StateRule::not_ready:
        return "a session is being set up";
      case StateRule::none_listens:
        return "no forward listens (" +
               (forwards.empty() ? "no forwards" : forward_reason(forwards.front())) + ")";
      case StateRule::not_yet_judged:
      case StateRule::not_judged_in_time:
        return seen.unjudged->name + ": not yet judged" +
               (seen.unjudged->reason.empty() ? "" : ", " + seen.unjudged->reason);
      case StateRule::bad_verdict:
        return forward_reason(*seen.bad);
      case StateRule::conflict:
        return "conflict: another machine uses this node's identity, from " +
               conflict->client_address;
      default:
        return {};
    }
  };
  return {row.state, reason()};
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

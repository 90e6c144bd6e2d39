#include "common/core/status.h"

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/status_bounds.h"
#include "common/core/word_table.h"

namespace reversi {
namespace {

constexpr WordTable<Verdict, 11> kVerdicts{{{
    {Verdict::unknown, "unknown"},
    {Verdict::healthy, "healthy"},
    {Verdict::slow, "slow"},
    {Verdict::service_down, "service_down"},
    {Verdict::service_hung, "service_hung"},
    {Verdict::wrong_answer, "wrong_answer"},
    {Verdict::hung, "hung"},
    {Verdict::not_listening, "not_listening"},
    {Verdict::port_taken, "port_taken"},
    {Verdict::not_granted, "not_granted"},
    {Verdict::not_requested, "not_requested"},
}}};

constexpr WordTable<NodeState, 6> kStates{{{
    {NodeState::never_seen, "never_seen"},
    {NodeState::disabled, "disabled"},
    {NodeState::down, "down"},
    {NodeState::unknown, "unknown"},
    {NodeState::up, "up"},
    {NodeState::degraded, "degraded"},
}}};

constexpr int kSchema = 1;
constexpr std::int64_t kMostCount = std::int64_t{1} << 53;  // exact in every JSON reader

Json time_or_null(const std::optional<WallTime>& time) {
  return time ? Json(format_rfc3339(*time)) : Json(nullptr);
}

Json to_json(const SessionStatus& session) {
  return {{"id", session.id},
          {"client_address", session.client_address},
          {"client_port", session.client_port},
          {"started_at", format_rfc3339(session.started_at)},
          {"sshd_pid", session.sshd_pid},
          {"agent_pid", session.agent_pid},
          {"client_version", session.client_version},
          {"os", session.os},
          {"arch", session.arch},
          {"instance", session.instance},
          {"machine", session.machine}};
}

Json to_json(const ForwardStatus& forward) {
  return {{"name", forward.name},
          {"listen", forward.listen},
          {"target", forward.target},
          {"verdict", verdict_name(forward.verdict)},
          {"reason", forward.reason},
          {"latency_ms", forward.latency ? Json(forward.latency->count()) : Json(nullptr)},
          {"checked_at", time_or_null(forward.checked_at)},
          {"since", format_rfc3339(forward.since)}};
}

Json to_json(const ConflictStatus& conflict) {
  return {{"client_address", conflict.client_address},
          {"machine", conflict.machine},
          {"first_seen", format_rfc3339(conflict.first_seen)},
          {"last_seen", format_rfc3339(conflict.last_seen)},
          {"count", conflict.count}};
}

Json to_json(const RefusedStatus& refused) {
  return {
      {"address", refused.address}, {"at", format_rfc3339(refused.at)}, {"reason", refused.reason}};
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? to_json(*value) : Json(nullptr);
}

Result<SessionStatus> read(const Json& doc, SessionStatus session) {
  Fields fields(doc);
  fields.need("id", session.id, kMostStatusText)
      .may("client_address", session.client_address, kMostStatusText)
      .may("client_port", session.client_port, 0, 65535)
      .need("started_at", session.started_at)
      .may("sshd_pid", session.sshd_pid, 0, kMostPid)
      .may("agent_pid", session.agent_pid, 0, kMostPid)
      .may("client_version", session.client_version, kMostStatusText)
      .may("os", session.os, kMostStatusText)
      .may("arch", session.arch, kMostStatusText)
      .may("instance", session.instance, kMostStatusText)
      .may("machine", session.machine, kMostStatusText);
  return fields.done().map([&] { return std::move(session); });
}

Result<ForwardStatus> read(const Json& doc, ForwardStatus forward) {
  std::string verdict;
  std::int64_t latency = -1;
  Fields fields(doc);
  fields.need("name", forward.name, kMostStatusText)
      .may("listen", forward.listen, kMostStatusText)
      .may("target", forward.target, kMostStatusText)
      .need("verdict", verdict, kMostStatusText)
      .may("reason", forward.reason, kMostStatusText)
      .may("latency_ms", latency, 0, kLongestStatusSpan.count())
      .may("checked_at", forward.checked_at)
      .need("since", forward.since);
  forward.verdict = parse_verdict(verdict).value_or(Verdict::unknown);
  if (latency >= 0) forward.latency = Millis{latency};
  return fields.done().map([&] { return std::move(forward); });
}

Result<ConflictStatus> read(const Json& doc, ConflictStatus conflict) {
  Fields fields(doc);
  fields.may("client_address", conflict.client_address, kMostStatusText)
      .may("machine", conflict.machine, kMostStatusText)
      .need("first_seen", conflict.first_seen)
      .need("last_seen", conflict.last_seen)
      .may("count", conflict.count, 0, kMostCount);
  return fields.done().map([&] { return std::move(conflict); });
}

Result<RefusedStatus> read(const Json& doc, RefusedStatus refused) {
  Fields fields(doc);
  fields.may("address", refused.address, kMostStatusText)
      .need("at", refused.at)
      .may("reason", refused.reason, kMostStatusText);
  return fields.done().map([&] { return std::move(refused); });
}

Result<Counters> read(const Json& doc, Counters counters) {
  Fields fields(doc);
  fields.may("sessions", counters.sessions, 0, kMostCount)
      .may("evictions", counters.evictions, 0, kMostCount)
      .may("checks", counters.checks, 0, kMostCount)
      .may("failed_checks", counters.failed_checks, 0, kMostCount);
  return fields.done().map([&] { return counters; });
}

Result<BackoffStatus> read(const Json& doc, BackoffStatus backoff) {
  Fields fields(doc);
  fields.may("failures", backoff.failures, 0, kMostCount)
      .may("retry_after_ms", backoff.retry_after, Millis{0}, kLongestStatusSpan)
      .may("spread_ms", backoff.spread, Millis{0}, kLongestStatusSpan);
  return fields.done().map([&] { return backoff; });
}

/// Reads the object under `key` into `out`, if it is there.
template <class T, class Out>
void may_object(Fields& fields, std::string_view key, Out& out) {
  const Json* doc = fields.find(key);
  if (doc == nullptr) return;
  auto value = read(*doc, T{});
  value ? void(out = *std::move(value)) : fields.mistake(key, value.error().line());
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  return kVerdicts.name(verdict);
}
std::optional<Verdict> parse_verdict(std::string_view name) {
  return kVerdicts.parse(name);
}
std::string_view node_state_name(NodeState state) {
  return kStates.name(state);
}
std::optional<NodeState> parse_node_state(std::string_view name) {
  return kStates.parse(name);
}

Json status_to_json(const NodeStatus& status) {
  Json forwards = Json::array();
  for (const ForwardStatus& forward : status.forwards) forwards.push_back(to_json(forward));
  return {{"schema", kSchema},
          {"node", status.node},
          {"state", node_state_name(status.state)},
          {"reason", status.reason},
          {"since", time_or_null(status.since)},
          {"last_seen", time_or_null(status.last_seen)},
          {"dead_after_ms", status.dead_after.count()},
          {"metered", status.metered},
          {"written_at", time_or_null(status.written_at)},
          {"unwritten_since", time_or_null(status.unwritten_since)},
          {"session", or_null(status.session)},
          {"forwards", std::move(forwards)},
          {"conflict", or_null(status.conflict)},
          {"last_refused", or_null(status.last_refused)},
          {"counters",
           {{"sessions", status.counters.sessions},
            {"evictions", status.counters.evictions},
            {"checks", status.counters.checks},
            {"failed_checks", status.counters.failed_checks}}},
          {"backoff",
           {{"failures", status.backoff.failures},
            {"retry_after_ms", status.backoff.retry_after.count()},
            {"spread_ms", status.backoff.spread.count()}}}};
}

Result<NodeStatus> status_from_json(const Json& doc) {
  NodeStatus status;
  std::string state;
  Fields fields(doc);
  fields.need("node", status.node, kMostStatusText)
      .need("state", state, kMostStatusText)
      .may("reason", status.reason, kMostStatusText)
      .may("since", status.since)
      .may("last_seen", status.last_seen)
      .may("dead_after_ms", status.dead_after, Millis{1}, kLongestStatusSpan)
      .may("metered", status.metered)
      .may("written_at", status.written_at)
      .may("unwritten_since", status.unwritten_since);
  may_object<SessionStatus>(fields, "session", status.session);
  may_object<ConflictStatus>(fields, "conflict", status.conflict);
  may_object<RefusedStatus>(fields, "last_refused", status.last_refused);
  may_object<Counters>(fields, "counters", status.counters);
  may_object<BackoffStatus>(fields, "backoff", status.backoff);
  for (const Json* item : fields.items("forwards", kMostStatusForwards)) {
    auto forward = read(*item, ForwardStatus{});
    forward ? status.forwards.push_back(*std::move(forward))
            : fields.mistake("forwards", forward.error().line());
  }
  status.state = parse_node_state(state).value_or(NodeState::unknown);
  return fields.done().map([&] { return std::move(status); });
}

}  // namespace reversi

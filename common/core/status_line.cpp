#include "common/core/status_line.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"

namespace reversi {
namespace {

bool is_plain(char c) {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

void put(std::string& out, std::string_view text) {
  if (!std::ranges::all_of(text, is_plain)) {
    out += json_line(Json(std::string(text)));
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

void put(std::string& out, std::int64_t number) {
  char digits[24];
  const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), number);
  out.append(digits, end);
}

void put(std::string& out, WallTime time) {
  out += '"';
  append_rfc3339(out, time);
  out += '"';
}

void put(std::string& out, const std::optional<WallTime>& time) {
  time ? put(out, *time) : void(out += "null");
}

/// Keys are written in the order of their bytes, as nlohmann's tree has them.
template <class T>
void field(std::string& out, std::string_view start, const T& value) {
  out += start;
  put(out, value);
}

void put(std::string& out, const ForwardStatus& forward) {
  field(out, R"({"checked_at":)", forward.checked_at);
  out += R"(,"latency_ms":)";
  forward.latency ? put(out, forward.latency->count()) : void(out += "null");
  field(out, R"(,"listen":)", std::string_view(forward.listen));
  field(out, R"(,"name":)", std::string_view(forward.name));
  field(out, R"(,"reason":)", std::string_view(forward.reason));
  field(out, R"(,"since":)", forward.since);
  field(out, R"(,"target":)", std::string_view(forward.target));
  field(out, R"(,"verdict":)", verdict_name(forward.verdict));
  out += '}';
}

void put(std::string& out, const SessionStatus& session) {
  field(out, R"({"agent_pid":)", session.agent_pid);
  field(out, R"(,"arch":)", std::string_view(session.arch));
  field(out, R"(,"client_address":)", std::string_view(session.client_address));
  field(out, R"(,"client_port":)", session.client_port);
  field(out, R"(,"client_version":)", std::string_view(session.client_version));
  field(out, R"(,"id":)", std::string_view(session.id));
  field(out, R"(,"instance":)", std::string_view(session.instance));
  field(out, R"(,"machine":)", std::string_view(session.machine));
  field(out, R"(,"os":)", std::string_view(session.os));
  field(out, R"(,"sshd_pid":)", session.sshd_pid);
  field(out, R"(,"started_at":)", session.started_at);
  out += '}';
}

void put(std::string& out, const ConflictStatus& conflict) {
  field(out, R"({"client_address":)", std::string_view(conflict.client_address));
  field(out, R"(,"count":)", conflict.count);
  field(out, R"(,"first_seen":)", conflict.first_seen);
  field(out, R"(,"last_seen":)", conflict.last_seen);
  field(out, R"(,"machine":)", std::string_view(conflict.machine));
  out += '}';
}

void put(std::string& out, const RefusedStatus& refused) {
  field(out, R"({"address":)", std::string_view(refused.address));
  field(out, R"(,"at":)", refused.at);
  field(out, R"(,"reason":)", std::string_view(refused.reason));
  out += '}';
}

template <class T>
void put_or_null(std::string& out, std::string_view start, const std::optional<T>& value) {
  out += start;
  value ? put(out, *value) : void(out += "null");
}

}  // namespace

void append_status_line(std::string& out, const NodeStatus& status) {
  field(out, R"({"backoff":{"failures":)", status.backoff.failures);
  field(out, R"(,"retry_after_ms":)", status.backoff.retry_after.count());
  field(out, R"(,"spread_ms":)", status.backoff.spread.count());
  put_or_null(out, R"(},"conflict":)", status.conflict);
  field(out, R"(,"counters":{"checks":)", status.counters.checks);
  field(out, R"(,"evictions":)", status.counters.evictions);
  field(out, R"(,"failed_checks":)", status.counters.failed_checks);
  field(out, R"(,"sessions":)", status.counters.sessions);
  field(out, R"(},"dead_after_ms":)", status.dead_after.count());
  out += R"(,"forwards":[)";
  for (std::size_t i = 0; i < status.forwards.size(); ++i) {
    if (i > 0) out += ',';
    put(out, status.forwards[i]);
  }
  put_or_null(out, R"(],"last_refused":)", status.last_refused);
  field(out, R"(,"last_seen":)", status.last_seen);
  out += status.metered ? R"(,"metered":true)" : R"(,"metered":false)";
  field(out, R"(,"node":)", std::string_view(status.node));
  field(out, R"(,"reason":)", std::string_view(status.reason));
  out += R"(,"schema":1)";
  put_or_null(out, R"(,"session":)", status.session);
  field(out, R"(,"since":)", status.since);
  field(out, R"(,"state":)", node_state_name(status.state));
  field(out, R"(,"unwritten_since":)", status.unwritten_since);
  field(out, R"(,"written_at":)", status.written_at);
  out += '}';
}

}  // namespace reversi

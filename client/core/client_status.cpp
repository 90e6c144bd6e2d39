#include "client/core/client_status.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"

namespace reversi::client {
namespace {

constexpr int kSchema = 1;

template <class T, class Format>
Json or_null(const std::optional<T>& value, Format format) {
  return value ? Json(format(*value)) : Json(nullptr);
}

Json number(Millis value) {
  return value.count();
}

Json session_json(const Session& session, const StatusContext& context) {
  return {
      {"id", session.id},
      {"address", session.peer.address},
      {"host_key", session.peer.host_key},
      {"agent_version", session.agent_version},
      {"since", format_rfc3339(WallTime{session.began.time_since_epoch() + context.wall_offset})}};
}

/// Who ends a session of this node that is dead and still holds its ports.
std::string_view eviction_word(const Tunnel& tunnel) {
  if (tunnel.setup->config.agent) return "agent";
  return tunnel.tries[tunnel.server].runs_commands ? "own_sessions" : "none";
}

std::string text_of(const Json& doc, std::string_view key) {
  const auto found = doc.find(key);
  return found != doc.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string with_reason(std::string text, const std::string& reason) {
  return reason.empty() ? text : std::move(text) + ": " + printable(reason, 300);
}

}  // namespace

Json client_status(const Tunnel& tunnel, const StatusContext& context) {
  const ClientConfig& config = tunnel.setup->config;
  const auto wall = [&](MonoTime time) {
    return format_rfc3339(WallTime{time.time_since_epoch() + context.wall_offset});
  };
  const Health now_is = health(tunnel, context.now);
  const Session* session = session_of(tunnel);
  Json forwards = Json::array();
  for (const ForwardTrack& forward : tunnel.forwards) {
    const ForwardConfig* configured = find_forward(config, forward.name);
    forwards.push_back({{"name", forward.name},
                        {"listen", forward.listen.empty() ? Json(nullptr) : Json(forward.listen)},
                        {"target", configured == nullptr ? "" : format_target(configured->target)},
                        {"verdict", verdict_name(forward.verdict)},
                        {"reason", forward.reason},
                        {"latency_ms", or_null(forward.latency, number)},
                        {"checked_at", or_null(forward.checked_at, wall)},
                        {"since", wall(forward.since)}});
  }
  Json canary = nullptr;
  if (config.canary) {
    const CanaryTrack& track = tunnel.canary;
    canary = {{"listen", or_null(track.listen, format_endpoint)},
              {"ok", track.ok ? Json(*track.ok) : Json(nullptr)},
              {"rtt_ms", or_null(track.rtt, number)},
              {"checked_at", or_null(track.checked_at, wall)},
              {"reason", track.reason}};
  }
  const auto* waiting = std::get_if<state::Waiting>(&tunnel.state);
  const auto rtt = session != nullptr ? session->rtt : std::nullopt;
  const auto acked = session != nullptr ? session->last_ack_at : std::nullopt;
  return {{"schema", kSchema},
          {"node", config.node},
          {"state", node_state_name(now_is.word)},
          {"reason", now_is.reason},
          {"since", wall(tunnel.word_since)},
          {"phase", state_name(tunnel.state)},
          {"supervisor_pid", context.supervisor_pid},
          {"worker_pid", context.worker_pid == 0 ? Json(nullptr) : Json(context.worker_pid)},
          {"server", format_endpoint(config.servers[tunnel.server].endpoint)},
          {"session", session != nullptr ? session_json(*session, context) : Json(nullptr)},
          {"forwards", std::move(forwards)},
          {"canary", std::move(canary)},
          {"heartbeat", {{"rtt_ms", or_null(rtt, number)}, {"last_ack_at", or_null(acked, wall)}}},
          {"backoff",
           {{"failures", tunnel.tries[tunnel.server].failures},
            {"retry_at", waiting != nullptr ? Json(wall(waiting->retry_at)) : Json(nullptr)}}},
          {"agent", config.agent},
          {"eviction", eviction_word(tunnel)},
          {"config", {{"source", context.config_source}, {"error", context.config_error}}}};
}

std::string client_status_line(const Json& status) {
  return with_reason(text_of(status, "state"), text_of(status, "reason"));
}

std::string client_status_text(const Json& status) {
  std::string text = text_of(status, "node") + " " + client_status_line(status) + "\n";
  text += "  server    " + text_of(status, "server") + "\n";
  text += "  since     " + text_of(status, "since") + "\n";
  const Json& forwards = status.contains("forwards") ? status["forwards"] : Json::array();
  std::size_t widest = 0;
  for (const Json& forward : forwards) widest = std::max(widest, text_of(forward, "name").size());
  for (const Json& forward : forwards) {
    const std::string listen = text_of(forward, "listen");
    text += "  forward   " + padded(text_of(forward, "name"), widest) + "  " +
            (listen.empty() ? "-" : listen) + " -> " + text_of(forward, "target") + "  " +
            with_reason(text_of(forward, "verdict"), text_of(forward, "reason")) + "\n";
  }
  const Json backoff = status.value("backoff", Json::object());
  const std::string retry_at = text_of(backoff, "retry_at");
  if (!retry_at.empty()) text += "  next try  " + retry_at + "\n";
  const Json config = status.value("config", Json::object());
  const std::string error = text_of(config, "error");
  if (!error.empty()) {
    text +=
        "  warning   " + printable(error, 400) + "; in use is " + text_of(config, "source") + "\n";
  }
  return text;
}

Json status_essence(Json status, bool spares_flash) {
  status.erase("heartbeat");
  if (!spares_flash) return status;
  for (Json& forward : status["forwards"]) {
    forward.erase("checked_at");
    forward.erase("latency_ms");
  }
  Json& canary = status["canary"];
  if (!canary.is_object()) return status;
  canary.erase("checked_at");
  canary.erase("rtt_ms");
  return status;
}

Json absent_status(const ClientConfig& config, const std::string& source, int supervisor_pid,
                   const std::string& reason) {
  const auto setup = std::make_shared<TunnelSetup>(TunnelSetup{config, {}, {}});
  Tunnel none = new_tunnel(setup, {}, {});
  none.reason = reason;
  Json status = client_status(none, {.supervisor_pid = supervisor_pid, .config_source = source});
  status["since"] = nullptr;
  status["phase"] = nullptr;
  if (supervisor_pid == 0) status["supervisor_pid"] = nullptr;
  status["forwards"] = Json::array();
  status["backoff"]["retry_at"] = nullptr;
  return status;
}

}  // namespace reversi::client

// node show: what is registered of one node, and how it has been.

#include <memory>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"
#include "server/core/availability.h"
#include "server/core/cause.h"
#include "server/core/duration_text.h"
#include "server/io/event_log.h"
#include "server/io/fleet_reader.h"
#include "server/io/last_refused.h"
#include "server/io/node_lines.h"

namespace reversi::server {
namespace {

struct ShowOptions {
  NodeOptions node;
  bool json = false;
};

struct Shown {
  NodeRecord record;
  std::vector<std::string> lines;  ///< of authorized_keys
  NodeStatus status;
  std::vector<ForwardAvailability> availability;
  std::optional<RefusedStatus> refused;
};

bool has_session(NodeState state) {
  return state == NodeState::up || state == NodeState::degraded || state == NodeState::unknown;
}

Result<Shown> look_at(const OpenedNode& opened, WallTime now) {
  auto record = opened.admin.state.load_node(opened.node);
  if (!record) return fail(record.error());
  auto lines = lines_of(opened.admin.state, *record);
  if (!lines) return fail(lines.error());
  Shown shown{*std::move(record),
              *std::move(lines),
              read_one(opened.admin.state, opened.node, now),
              {},
              {}};
  const std::vector<Event> events = EventLog(opened.admin.state, opened.node).read(std::nullopt);
  std::vector<std::string> forwards;
  for (const NodeForward& forward : shown.record.forwards) forwards.push_back(forward.name.text());
  const auto silent = has_session(shown.status.state) ? std::nullopt : shown.status.last_seen;
  shown.availability = judge_availability(events, forwards, silent, now);
  shown.refused = load_last_refused(opened.admin.state, opened.node);
  return shown;
}

std::string state_text(const NodeStatus& status, WallTime now) {
  std::string text = "state:    " + std::string(node_state_name(status.state));
  if (status.since) text += " for " + format_duration(std::max(now - *status.since, Millis{0}));
  text += '\n';
  for (const std::string& cause : cause_lines(status, now)) text += "          " + cause + '\n';
  return text;
}

std::string text_of(const Shown& shown, WallTime now) {
  const NodeRecord& record = shown.record;
  std::string text = "node:     " + record.node.text() + (record.enabled ? "" : " (disabled)") +
                     '\n' + state_text(shown.status, now);
  for (std::size_t i = 0; i < record.forwards.size(); ++i) {
    const NodeForward& forward = record.forwards[i];
    text += "forward:  " + forward.name.text() + " on " + format_listen(forward.port) + ", " +
            (forward.expect ? "expects " + printable(format_expect(*forward.expect), 300)
                            : "expects what the node says") +
            "\n          available: " + format_availability(shown.availability[i], now) + '\n';
  }
  for (const PublicKey& key : record.keys) text += "key:      " + format_public_key(key) + '\n';
  for (const std::string& range : record.from) text += "from:     " + range + '\n';
  if (shown.refused) {
    text += "refused:  " + printable(shown.refused->address, 60) + " at " +
            format_moment(shown.refused->at, now) + ", " + printable(shown.refused->reason, 300) +
            '\n';
  }
  text += "\nauthorized_keys:\n";
  for (const std::string& line : shown.lines) text += line + '\n';
  return text;
}

nlohmann::json json_of(const Shown& shown) {
  nlohmann::json doc = node_to_json(shown.record);
  const nlohmann::json status = status_to_json(shown.status);
  for (const char* key : {"state", "reason", "since", "last_seen"}) doc[key] = status[key];
  doc["authorized_keys"] = shown.lines;
  doc["availability"] = nlohmann::json::array();
  for (const ForwardAvailability& forward : shown.availability) {
    doc["availability"].push_back(availability_to_json(forward));
  }
  doc["last_refused"] = nullptr;
  if (shown.refused) {
    doc["last_refused"] = {{"address", shown.refused->address},
                           {"at", format_rfc3339(shown.refused->at)},
                           {"reason", shown.refused->reason}};
  }
  return doc;
}

Result<ExitCode> show(const ShowOptions& options) {
  const auto opened = open_node(options.node);
  if (!opened) return fail(opened.error());
  const WallTime now = wall_now();
  const auto shown = look_at(*opened, now);
  if (!shown) return fail(shown.error());
  print(options.json ? json_text(json_of(*shown)) : text_of(*shown, now));
  return ExitCode::done;
}

}  // namespace

Run node_show_verb(Options& add) {
  auto options = std::make_shared<ShowOptions>();
  add.flag("--json", options->json, "One object.");
  add_node_options(add, options->node);
  return [options] { return show(*options); };
}

}  // namespace reversi::server

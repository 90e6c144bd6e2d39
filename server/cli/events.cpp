// events: what happened to one node or to all, oldest first.

#include <algorithm>
#include <charconv>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"
#include "server/io/event_log.h"

namespace reversi::server {
namespace {

struct EventsOptions {
  AdminOptions admin;
  std::string node;
  std::string since;
  bool json = false;
};

struct NodeEvent {
  std::string node;
  Event event;
};

/// "90s", "10m", "2h", "3d" ago, or a time.
Result<WallTime> parse_since(std::string_view text, WallTime now) {
  if (const auto time = parse_rfc3339(text)) return *time;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::int64_t kMost = 1'000'000;
  if (error == std::errc{} && count >= 0 && count <= kMost) {
    if (unit == "s") return now - std::chrono::seconds{count};
    if (unit == "m") return now - std::chrono::minutes{count};
    if (unit == "h") return now - std::chrono::hours{count};
    if (unit == "d") return now - std::chrono::days{count};
  }
  return fail(Errc::usage, "--since \"" + printable(text, 60) +
                               "\" is neither 90s, 10m, 2h, 3d nor 2026-11-20T14:02:07Z");
}

std::string text_of(const NodeEvent& each, bool with_node, bool json) {
  if (json) {
    nlohmann::json doc = event_to_json(each.event);
    doc["node"] = each.node;
    return json_line(doc) + '\n';
  }
  std::string name = with_node ? each.node : "";
  if (with_node && name.size() < 20) name.resize(20, ' ');
  return name + (with_node ? "  " : "") + format_event(each.event) + '\n';
}

Result<ExitCode> events(const EventsOptions& options) {
  const WallTime now = wall_now();
  std::optional<WallTime> since;
  if (!options.since.empty()) {
    const auto parsed = parse_since(options.since, now);
    if (!parsed) return fail(parsed.error());
    since = *parsed;
  }
  std::optional<NodeName> one;
  if (!options.node.empty()) {
    auto typed = typed_node(options.node);
    if (!typed) return fail(typed.error());
    one = *std::move(typed);
  }
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  if (one) {
    if (auto ok = check_exists(admin->state, *one); !ok) return fail(ok.error());
  }
  std::vector<NodeEvent> found;
  for (const NodeName& node : one ? std::vector{*one} : admin->state.list_nodes()) {
    if (is_unclosed(admin->state.load_files(node))) close_dead_session(admin->state, node, now);
    for (Event& event : EventLog(admin->state, node).read(since)) {
      found.push_back({node.text(), std::move(event)});
    }
  }
  std::ranges::stable_sort(found, {}, [](const NodeEvent& each) { return each.event.at; });
  for (const NodeEvent& each : found) print(text_of(each, !one, options.json));
  return ExitCode::done;
}

}  // namespace

Run events_verb(Options& add) {
  auto options = std::make_shared<EventsOptions>();
  add.text("NODE", options->node, "One node only.");
  add.text("--since", options->since, "Not older than this: 90s, 10m, 2h, 3d, or a time.", "T");
  add.flag("--json", options->json, "One JSON object a line.");
  add_state_dir_option(add, options->admin);
  return [options] { return events(*options); };
}

}  // namespace reversi::server

// events: what happened to one node or to all, oldest first.

#include <charconv>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"
#include "server/io/event_stream.h"
#include "server/io/fleet_reader.h"

namespace reversi::server {
namespace {

struct EventsOptions {
  AdminOptions admin;
  std::string node;
  std::string since;
  bool json = false;
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

std::string text_of(const NodeName& node, const Event& event, bool with_node, bool json) {
  if (json) {
    nlohmann::json doc = event_to_json(event);
    doc["node"] = node.text();
    return json_line(doc) + '\n';
  }
  std::string name = with_node ? node.text() : "";
  if (with_node && name.size() < 20) name.resize(20, ' ');
  return name + (with_node ? "  " : "") + format_event(event) + '\n';
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
  const auto nodes = one ? std::vector{*one} : admin->state.list_nodes();
  // What killed agents owe belongs into the list, too: whoever reads writes it.
  if (one) {
    static_cast<void>(read_one(admin->state, *one, now));
  } else {
    static_cast<void>(read_fleet(admin->state, nodes, now));
  }
  merge_events(admin->state, nodes, since, [&](const NodeName& node, const Event& event) {
    print(text_of(node, event, !one, options.json));
    return std::ferror(stdout) == 0;
  });
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

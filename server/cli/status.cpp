// status: every node, whether it is reachable or not. Reads files; asks nobody.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"
#include "server/core/status_text.h"
#include "server/io/event_log.h"

namespace reversi::server {
namespace {

constexpr int kWatchIntervalMs = 2000;
constexpr std::string_view kClearScreen = "\x1b[H\x1b[2J";

struct StatusOptions {
  AdminOptions admin;
  std::string node;
  bool json = false;
  bool watch = false;
  bool check = false;
};

NodeStatus look_at(const StateDir& state, const NodeName& node, WallTime now) {
  const NodeFiles files = state.load_files(node);
  // A killed agent could not say that its session ended: whoever comes next does.
  if (is_unclosed(files)) close_dead_session(state, node, now);
  return view_node(files, now);
}

std::string json_of(const std::vector<NodeStatus>& nodes, bool is_one) {
  if (is_one) return json_text(status_to_json(nodes.front()));
  // A line a node: thousands of them need no tree of their own.
  std::string text = "[";
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    text += (i == 0 ? "\n" : ",\n") + json_line(status_to_json(nodes[i]));
  }
  return text + (nodes.empty() ? "]\n" : "\n]\n");
}

/// Prints once; true if every node is up.
Result<bool> show(const Admin& admin, const std::optional<NodeName>& node,
                  const StatusOptions& options) {
  if (node) {
    if (auto ok = check_exists(admin.state, *node); !ok) return fail(ok.error());
  }
  const WallTime now = wall_now();
  std::vector<NodeStatus> nodes;
  for (const NodeName& each : node ? std::vector{*node} : admin.state.list_nodes()) {
    nodes.push_back(look_at(admin.state, each, now));
  }
  if (options.watch && !options.json && ::isatty(STDOUT_FILENO) != 0)
    print(std::string(kClearScreen));
  print(options.json ? json_of(nodes, node.has_value()) : status_text(nodes, now));
  std::fflush(stdout);
  return std::ranges::all_of(nodes,
                             [](const NodeStatus& each) { return each.state == NodeState::up; });
}

Result<ExitCode> status(const StatusOptions& options) {
  std::optional<NodeName> node;
  if (!options.node.empty()) {
    auto typed = typed_node(options.node);
    if (!typed) return fail(typed.error());
    node = *std::move(typed);
  }
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  for (;;) {
    const auto all_up = show(*admin, node, options);
    if (!all_up) return fail(all_up.error());
    if (!options.watch) return *all_up || !options.check ? ExitCode::done : ExitCode::failed;
    if (std::ferror(stdout) != 0) return ExitCode::done;
    ::poll(nullptr, 0, kWatchIntervalMs);
  }
}

}  // namespace

Run status_verb(Options& add) {
  auto options = std::make_shared<StatusOptions>();
  add.text("NODE", options->node, "One node only.");
  add.flag("--json", options->json, "An array with one object a node; with NODE one object.");
  add.flag("--watch", options->watch, "Again every 2 seconds, until interrupted.");
  add.flag("--check", options->check, "Exit code 1 if a node is not up.");
  add.exclude("--check", "--watch");
  add_state_dir_option(add, options->admin);
  return [options] { return status(*options); };
}

}  // namespace reversi::server

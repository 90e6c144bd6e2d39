// status: every node, whether it is reachable or not. Reads files; asks nobody.

#include <unistd.h>

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/cli/terminal.h"
#include "common/core/json_fields.h"
#include "common/core/status_line.h"
#include "common/io/clock.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"
#include "server/cli/watch.h"
#include "server/core/fleet.h"
#include "server/core/status_text.h"
#include "server/io/fleet_reader.h"

namespace reversi::server {
namespace {

struct StatusOptions {
  AdminOptions admin;
  std::string node;
  std::vector<std::string> states;
  std::vector<std::string> globs;
  std::string sort = "name";
  bool json = false;
  bool watch = false;
  bool check = false;
};

/// What the command line asks for.
struct WantedStatus {
  std::optional<NodeName> node;
  FleetFilter filter;
  SortKey sort = SortKey::name;
};

/// What is to be shown, and of how many.
struct Fleet {
  std::vector<NodeStatus> nodes;
  std::size_t all = 0;
};

Result<Fleet> load(const Admin& admin, const WantedStatus& wanted, WallTime now) {
  if (wanted.node) {
    if (auto ok = check_exists(admin.state, *wanted.node); !ok) return fail(ok.error());
    return Fleet{{read_one(admin.state, *wanted.node, now)}, 1};
  }
  std::vector<NodeName> names = admin.state.list_nodes();
  const std::size_t all = names.size();
  std::erase_if(names,
                [&](const NodeName& name) { return !matches_name(wanted.filter, name.text()); });
  Fleet fleet{read_fleet(admin.state, names, now), all};
  std::erase_if(fleet.nodes,
                [&](const NodeStatus& node) { return !matches_state(wanted.filter, node.state); });
  if (wanted.sort != SortKey::name) sort_nodes(fleet.nodes, wanted.sort);
  return fleet;
}

std::string json_of(const std::vector<NodeStatus>& nodes, bool is_one) {
  if (is_one) return json_text(status_to_json(nodes.front()));
  // A line a node: thousands of them need no tree of their own.
  std::string text = "[";
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    text += i == 0 ? "\n" : ",\n";
    append_status_line(text, nodes[i]);
  }
  return text + (nodes.empty() ? "]\n" : "\n]\n");
}

std::string table_of(const Fleet& fleet, bool is_one, WallTime now) {
  if (fleet.all == 0) return "no nodes; register one with `reversi-server node add`\n";
  const Terminal terminal = terminal_of(STDOUT_FILENO);
  std::string text = fleet.nodes.empty()
                         ? ""
                         : status_text(fleet.nodes, now, {terminal.columns, terminal.has_colour});
  if (!is_one) text += (text.empty() ? "" : "\n") + summary_line(fleet.nodes, fleet.all) + '\n';
  return text;
}

Result<WantedStatus> read_wanted(const StatusOptions& options) {
  WantedStatus wanted;
  if (!options.node.empty()) {
    if (!options.states.empty() || !options.globs.empty()) {
      return fail(Errc::usage, "--state and --match choose among all nodes; leave out the NODE");
    }
    auto typed = typed_node(options.node);
    if (!typed) return fail(typed.error());
    wanted.node = *std::move(typed);
  }
  for (const std::string& word : options.states) {
    const auto state = parse_state_option(word);
    if (!state) return fail(state.error());
    wanted.filter.states.push_back(*state);
  }
  wanted.filter.globs = options.globs;
  const auto sort = parse_sort_option(options.sort);
  if (!sort) return fail(sort.error());
  wanted.sort = *sort;
  return wanted;
}

Result<ExitCode> status(const StatusOptions& options) {
  const auto wanted = read_wanted(options);
  if (!wanted) return fail(wanted.error());
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  bool all_up = true;
  const auto draw = [&]() -> Result<std::string> {
    const WallTime now = wall_now();
    const auto fleet = load(*admin, *wanted, now);
    if (!fleet) return fail(fleet.error());
    all_up = std::ranges::all_of(
        fleet->nodes, [](const NodeStatus& each) { return each.state == NodeState::up; });
    const bool is_one = wanted->node.has_value();
    return options.json ? json_of(fleet->nodes, is_one) : table_of(*fleet, is_one, now);
  };
  if (options.watch) return watch(draw, !options.json).map([] { return ExitCode::done; });
  const auto text = draw();
  if (!text) return fail(text.error());
  print(*text);
  return all_up || !options.check ? ExitCode::done : ExitCode::failed;
}

}  // namespace

Run status_verb(Options& add) {
  auto options = std::make_shared<StatusOptions>();
  add.text("NODE", options->node, "One node only.");
  add.list("--state", options->states, "Only nodes in this state.",
           "up|degraded|down|unknown|never_seen|disabled");
  add.list("--match", options->globs, "Only nodes whose name matches; * and ? stand for any.",
           "GLOB");
  add.text("--sort", options->sort, "By state: worst first; by since or seen: latest first.",
           "name|state|since|seen");
  add.flag("--json", options->json, "An array with one object a node; with NODE one object.");
  add.flag("--watch", options->watch, "Again every 2 seconds, until interrupted.");
  add.flag("--check", options->check, "Exit code 1 if a node is not up.");
  add.exclude("--check", "--watch");
  add_state_dir_option(add, options->admin);
  return [options] { return status(*options); };
}

}  // namespace reversi::server

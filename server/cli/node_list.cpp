// node list and node show: what is registered, live or not.

#include <memory>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"
#include "server/core/grants.h"

namespace reversi::server {
namespace {

struct ListOptions {
  AdminOptions admin;
  std::string node;
  bool json = false;
};

std::string forwards_text(const NodeRecord& record) {
  std::string text;
  for (const NodeForward& forward : record.forwards) {
    text += (text.empty() ? "" : " ") + format_grant(forward);
  }
  return text;
}

std::string list_line(const NodeName& node, const Result<NodeRecord>& record) {
  std::string name = node.text();
  if (name.size() < 20) name.resize(20, ' ');
  if (!record) return name + "  broken    " + record.error().line() + '\n';
  return name + (record->enabled ? "  enabled   " : "  disabled  ") + forwards_text(*record) + '\n';
}

Result<ExitCode> list(const ListOptions& options) {
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  nlohmann::json docs = nlohmann::json::array();
  std::string text;
  for (const NodeName& node : admin->state.list_nodes()) {
    const auto record = admin->state.load_node(node);
    text += list_line(node, record);
    if (options.json) {
      docs.push_back(record
                         ? node_to_json(*record)
                         : nlohmann::json{{"node", node.text()}, {"error", record.error().line()}});
    }
  }
  print(options.json ? json_text(docs) : text);
  return ExitCode::done;
}

std::string show_text(const NodeRecord& record, const std::vector<std::string>& lines) {
  std::string text =
      "node:     " + record.node.text() + (record.enabled ? "" : " (disabled)") + '\n';
  for (const NodeForward& forward : record.forwards) {
    text += "forward:  " + forward.name.text() + " on " + format_listen(forward.port) + ", " +
            (forward.expect ? "expects " + format_expect(*forward.expect)
                            : "expects what the node says") +
            '\n';
  }
  for (const PublicKey& key : record.keys) text += "key:      " + format_public_key(key) + '\n';
  for (const std::string& range : record.from) text += "from:     " + range + '\n';
  text += "\nauthorized_keys:\n";
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

Result<ExitCode> show(const ListOptions& options) {
  const auto node = typed_node(options.node);
  if (!node) return fail(node.error());
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  if (auto ok = check_exists(admin->state, *node); !ok) return fail(ok.error());
  const auto record = admin->state.load_node(*node);
  if (!record) return fail(record.error());
  const auto lines = lines_of(admin->state, *record);
  if (!lines) return fail(lines.error());
  if (options.json) {
    nlohmann::json doc = node_to_json(*record);
    doc["authorized_keys"] = *lines;
    print(json_text(doc));
  } else {
    print(show_text(*record, *lines));
  }
  return ExitCode::done;
}

}  // namespace

Run node_list_verb(Options& add) {
  auto options = std::make_shared<ListOptions>();
  add.flag("--json", options->json, "An array with one object a node.");
  add_state_dir_option(add, options->admin);
  return [options] { return list(*options); };
}

Run node_show_verb(Options& add) {
  auto options = std::make_shared<ListOptions>();
  add.text("NAME", options->node, "The node.", "", Need::required);
  add.flag("--json", options->json, "One object.");
  add_state_dir_option(add, options->admin);
  return [options] { return show(*options); };
}

}  // namespace reversi::server

// node list: what is registered, live or not.

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

}  // namespace

Run node_list_verb(Options& add) {
  auto options = std::make_shared<ListOptions>();
  add.flag("--json", options->json, "An array with one object a node.");
  add_state_dir_option(add, options->admin);
  return [options] { return list(*options); };
}

}  // namespace reversi::server

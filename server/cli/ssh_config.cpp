// ssh-config: which port is which, for ssh.

#include "server/core/ssh_config.h"

#include <memory>

#include "common/io/clock.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"
#include "server/core/client_kit.h"
#include "server/core/fleet.h"
#include "server/io/fleet_reader.h"

namespace reversi::server {
namespace {

struct ConfigOptions {
  AdminOptions admin;
  std::vector<std::string> globs;
  std::string jump;
  std::string user;
};

/// --jump, else the address that nodes know.
Result<std::string> choose_jump(const std::string& typed, const ServerPolicy& policy) {
  if (typed == "none") return std::string();
  if (!typed.empty()) return parse_jump(typed);
  if (policy.address.empty()) return std::string();
  const auto address = parse_address(policy.address);
  return address ? jump_of(*address) : fail(Error(address.error()).in("server.json"));
}

Result<ExitCode> ssh_config(const ConfigOptions& options) {
  SshConfigOptions wanted;
  if (!options.user.empty()) {
    auto login = parse_login(options.user);
    if (!login) return fail(std::move(login).error().in("--user"));
    wanted.user = *std::move(login);
  }
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  auto jump = choose_jump(options.jump, admin->policy);
  if (!jump) return fail(jump.error());
  wanted.jump = *std::move(jump);
  const WallTime now = wall_now();
  const FleetFilter filter{{}, options.globs};
  std::vector<SshHost> hosts;
  for (const NodeName& node : admin->state.list_nodes()) {
    if (matches_name(filter, node.text())) hosts.push_back({node, std::nullopt, {}});
  }
  share_out(hosts.size(), [&](std::size_t i) {
    NodeFiles files = admin->state.load_files(hosts[i].node);
    hosts[i].status = view_node(files, now);
    hosts[i].record = std::move(files.record);
  });
  print(ssh_config_text(hosts, wanted));
  return ExitCode::done;
}

}  // namespace

Run ssh_config_verb(Options& add) {
  auto options = std::make_shared<ConfigOptions>();
  add.list("--match", options->globs, "Only nodes whose name matches; * and ? stand for any.",
           "GLOB");
  add.text("--jump", options->jump,
           "How you reach this server, or none on the server itself; default: the address that "
           "nodes were told.",
           "[USER@]HOST[:PORT]");
  add.text("--user", options->user, "Log in to the nodes as this user.", "USER");
  add_state_dir_option(add, options->admin);
  return [options] { return ssh_config(*options); };
}

}  // namespace reversi::server

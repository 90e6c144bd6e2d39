// setup --user: what a person's own account needs before the first node. For --system see
// setup_system.cpp.

#include <unistd.h>

#include <memory>

#include "server/cli/admin.h"
#include "server/cli/registration.h"
#include "server/cli/setup_system.h"
#include "server/cli/verbs.h"
#include "server/core/authorized_keys.h"
#include "server/core/doctor.h"
#include "server/io/authorized_keys_file.h"
#include "server/io/doctor_facts.h"
#include "server/io/node_lines.h"

namespace reversi::server {
namespace {

struct SetupOptions {
  AdminOptions admin;
  bool user = false;
  bool system = false;
  bool dry_run = false;
};

/// Every node's line as this executable writes it: after an upgrade to another path, after a
/// repair.
Result<std::size_t> reinstall(const Admin& admin, const std::string& file) {
  const auto command = runnable_command(admin.state);
  if (!command) return fail(command.error());
  NodeLines nodes;
  std::vector<NodeRecord> due;
  for (const NodeName& node : admin.state.list_nodes()) {
    const auto record = admin.state.load_node(node);
    if (!record) {
      warn(record.error().line() + "; its line is left as it is");
      continue;
    }
    auto lines = authorized_lines(*record, *command);
    if (!lines) return fail(lines.error());
    nodes.emplace(node.text(), *std::move(lines));
    if (record->lines_due) due.push_back(*record);
  }
  auto ok = change_authorized_keys(file, kAdminLockLimit, [&](std::string_view present) {
    return replace_all_lines(present, admin.state.path(), nodes);
  });
  if (!ok) return fail(ok.error());
  for (NodeRecord& record : due) {
    record.lines_due = false;
    if (auto saved = admin.state.save_node(record); !saved) return fail(saved.error());
  }
  return nodes.size();
}

Result<ExitCode> dry_run(const SetupOptions& options) {
  print("would create the state directory " +
        (options.admin.state_dir.empty() ? "(REVERSI_STATE_DIR, /var/lib/reversi or "
                                           "~/.local/state/reversi)"
                                         : options.admin.state_dir) +
        ", mode 0700, unless it exists\n"
        "would write the lines of its nodes into " +
        (options.admin.authorized_keys.empty() ? "~/.ssh/authorized_keys, or the file that "
                                                 "server.json names"
                                               : options.admin.authorized_keys) +
        ", between \"# BEGIN reversi\" and \"# END reversi\"; nothing else in it changes\n");
  return ExitCode::done;
}

Result<ExitCode> setup(const SetupOptions& options) {
  if (options.user == options.system) {
    return fail(Errc::usage,
                "give --system (root: account, state directory, sshd) or --user (this "
                "account, without root)");
  }
  if (options.system) return setup_system(options.admin, options.dry_run);
  if (options.dry_run) return dry_run(options);
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  const auto lock = admin->state.lock_all(kAdminLockLimit);
  if (!lock) return fail(lock.error());
  const auto file = authorized_keys_path(admin->state.load_policy());
  if (!file) return fail(file.error());
  const auto count = reinstall(*admin, *file);
  if (!count) return fail(count.error());
  print("state directory: " + admin->state.path() + "\nauthorized keys: " + *file + " (" +
        std::to_string(*count) + " nodes)\n");
  const Found problems =
      strict_modes_problems(*file, way_to(*file, home_directory()), ::geteuid(), account_name());
  if (!problems.empty()) {
    return fail(Errc::permission, problems.front().first + ": " + problems.front().second);
  }
  print("next: reversi-server node add NAME --key FILE --forward ssh --address THIS-HOST\n");
  return ExitCode::done;
}

}  // namespace

Run setup_verb(Options& add) {
  auto options = std::make_shared<SetupOptions>();
  add.flag("--user", options->user, "In this account, without root.");
  add.flag("--system", options->system,
           "As root: the account reversi, its state directory and sshd's drop-in, which is proven "
           "by a login first.");
  add.flag("--dry-run", options->dry_run, "Say what would be done; change nothing.");
  add_state_dir_option(add, options->admin);
  add_authorized_keys_option(add, options->admin);
  return [options] { return setup(*options); };
}

}  // namespace reversi::server

// doctor: what would break or expose something on this server, each with its cure.

#include "server/core/doctor.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "common/io/clock.h"
#include "common/io/system_error.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"
#include "server/io/doctor_facts.h"

namespace reversi::server {
namespace {

struct DoctorOptions {
  std::string state_dir;
  DoctorSources sources;
  bool json = false;
  bool repair = false;
};

/// Renames `file` to `file.broken-TIME`; the new name.
Result<std::string> move_aside(const std::string& file, WallTime now) {
  const std::string to = file + ".broken-" + format_rfc3339(now);
  if (std::rename(file.c_str(), to.c_str()) == 0) return to;
  return fail(errno_error(errno, file));
}

void say(const std::string& text) {
  std::fprintf(stderr, "reversi-server: %s\n", printable(text, 2000).c_str());
}

Result<void> repair_policy(const StateDir& state, const DoctorFacts& facts) {
  if (!facts.is_policy_broken) return {};
  const auto to = move_aside(state.path() + "/server.json", facts.now);
  if (!to) return fail(to.error());
  say("moved server.json aside to " + *to +
      ": built-in defaults hold, and ~/.ssh/authorized_keys unless --authorized-keys names "
      "another");
  return {};
}

/// A node without a readable node.json gets one from its lines in authorized_keys.
Result<void> repair_node(const StateDir& state, const NodeName& node, const DoctorFacts& facts) {
  const auto present = state.load_node(node);
  if (present) return {};
  const std::string about = "node " + node.text() + ": ";
  const auto record = record_from_lines(node, facts.keys.lines);
  if (!record) {
    say(about + "node.json is left as it is, because " + record.error().line() +
        "; mend it, or remove the node and add it again");
    return {};
  }
  std::string was = "node.json was missing";
  if (present.error().code() != Errc::not_found) {
    const auto to = move_aside(state.node_file(node, "node.json"), facts.now);
    if (!to) return fail(to.error());
    was = "moved node.json aside to " + *to;
  }
  if (auto ok = state.save_node(*record); !ok) return ok;
  say(about + was +
      "; made it anew from authorized_keys, which does not hold what its services answer: "
      "reversi-server node set " +
      node.text() + " --forward NAME:EXPECT");
  return {};
}

void gather_again(const StateDir& state, DoctorFacts& facts) {
  const auto mode_before = facts.state_mode;
  facts.nodes.clear();
  facts.foreign_files.clear();
  facts.keys = {};
  gather_as_owner(state, facts);
  facts.state_mode = mode_before & 07700U;  // open() has mended it
}

Result<void> repair(const StateDir& state, DoctorFacts& facts) {
  const auto lock = state.lock_all(kAdminLockLimit);
  if (!lock) return fail(lock.error());
  if (auto ok = repair_policy(state, facts); !ok) return ok;
  // Only now is it known which authorized_keys counts.
  if (facts.is_policy_broken) gather_again(state, facts);
  for (const NodeName& node : state.list_nodes()) {
    if (auto ok = repair_node(state, node, facts); !ok) return ok;
  }
  return {};
}

Result<ExitCode> doctor(const DoctorOptions& options) {
  const auto path = StateDir::find(options.state_dir);
  if (!path) return fail(path.error());
  // Not open() at once: it would make a missing directory, mend its mode, and leave root behind.
  std::error_code failed;
  const auto real = std::filesystem::canonical(*path, failed);
  if (failed == std::errc::no_such_file_or_directory) {
    return fail(Errc::config, *path + ": no such directory; reversi-server setup makes it");
  }
  auto facts = gather_as_caller(failed ? *path : real.string(), options.sources);
  if (!facts) return fail(facts.error());
  const auto state = StateDir::open(*path);
  if (!state) return fail(state.error());
  gather_as_owner(*state, *facts);
  if (options.repair) {
    if (auto ok = repair(*state, *facts); !ok) return fail(Error(ok.error()).in("--repair"));
    gather_again(*state, *facts);
  }
  const auto findings = diagnose(*facts);
  print(options.json ? findings_json(findings) : findings_text(findings));
  return has_serious(findings) ? ExitCode::failed : ExitCode::done;
}

}  // namespace

Run doctor_verb(Options& add) {
  auto options = std::make_shared<DoctorOptions>();
  add.flag("--json", options->json, "One JSON document.");
  add.flag("--repair", options->repair,
           "Move a broken server.json or node.json aside; the latter is made anew from "
           "authorized_keys.");
  add.text("--sshd", options->sources.sshd, "sshd's program, where it is not the system's.",
           "FILE");
  add.text("--sshd-config", options->sources.sshd_config,
           "Its configuration, where it is not the default one.", "FILE");
  add.text("--state-dir", options->state_dir, "The server's state directory.", "DIR");
  return [options] { return doctor(*options); };
}

}  // namespace reversi::server

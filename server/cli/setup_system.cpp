#include "server/cli/setup_system.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "common/io/command.h"
#include "common/io/files.h"
#include "common/io/system_error.h"
#include "server/io/process.h"
#include "server/io/sshd_process.h"
#include "server/io/sshd_proof.h"
#include "server/io/system_account.h"
#include "server/io/trial_sshd.h"

namespace reversi::server {
namespace {

constexpr const char* kAccount = "reversi";
constexpr const char* kStateDir = "/var/lib/reversi";
constexpr std::size_t kMostConfigBytes = 1024 * 1024;
constexpr mode_t kDropInMode = 0644;

/// What there is, and what would be written. Only looks.
struct Plan {
  SshdFiles files;
  DropIn dropin;
  std::optional<SystemAccount> account;
  std::string present_dropin;  ///< empty: none
  std::string pid_file;
  bool has_state_dir = false;
  std::string linked_from;  ///< the usual place becomes a link to where the account's nodes are
};

Result<std::string> read_config(const std::string& path) {
  std::error_code failed;
  const auto real = std::filesystem::canonical(path, failed);
  return read_file(failed ? path : real.string(), kMostConfigBytes);
}

/// Where the account has had its nodes until now, if it worked without root: they must not vanish from
/// the lists because there is a directory in the usual place, which goes first.
std::string former_state_dir(const std::optional<SystemAccount>& account) {
  if (!account || ::access(kStateDir, F_OK) == 0) return {};
  const std::string path = account->home + "/.local/state/reversi";
  std::error_code failed;
  const bool has_nodes = std::filesystem::is_directory(path + "/nodes", failed) &&
                         !std::filesystem::is_empty(path + "/nodes", failed);
  return has_nodes && !failed ? path : "";
}

/// The drop-in's own line stays: without it sshd's settings would no more be enough.
std::string max_startups(const std::string& effective, const std::string& present_dropin) {
  const std::string own = effective_value(present_dropin, "maxstartups");
  const std::string now = effective_value(effective, "maxstartups");
  const std::string raised = raised_max_startups(now);
  if (raised.empty()) return own;
  return raised != now || !own.empty() ? raised : "";
}

Result<Plan> make_plan(const AdminOptions& options) {
  Plan plan;
  const auto sshd = find_sshd();
  if (!sshd) return fail(sshd.error());
  plan.files.sshd = *sshd;
  const auto executable = own_executable();
  if (!executable) return fail(executable.error());
  if (const std::string problem = command_path_problem(*executable); !problem.empty()) {
    return fail(Errc::permission, problem);
  }
  const auto config = read_config(plan.files.config);
  if (!config) return fail(config.error());
  if (!includes_directory(*config, plan.files.directory)) {
    return fail(Errc::config, plan.files.config + ": has no line \"Include " +
                                  plan.files.directory + "/*.conf\"; add it as the first");
  }
  std::error_code failed;
  plan.account = find_account(kAccount);
  const std::string former = options.state_dir.empty() ? former_state_dir(plan.account) : "";
  if (!former.empty()) plan.linked_from = kStateDir;
  const std::string usual = former.empty() ? kStateDir : former;
  const std::string typed = options.state_dir.empty() ? usual : options.state_dir;
  const auto state_dir = std::filesystem::weakly_canonical(typed, failed);
  if (failed) return fail(errno_error(failed.value(), typed));
  const auto settings = run_command({*sshd, "-T"});
  const std::string effective = settings && settings->is_ok() ? settings->out : "";
  plan.pid_file = effective_value(effective, "pidfile");
  plan.present_dropin = read_config(plan.files.dropin_path()).value_or("");
  plan.has_state_dir = ::access(state_dir.c_str(), F_OK) == 0;
  plan.dropin = {kAccount, *executable, state_dir, /*has_connection=*/true,
                 max_startups(effective, plan.present_dropin)};
  return plan;
}

Result<ExitCode> show(const Plan& plan) {
  const auto text = dropin_text(plan.dropin);
  if (!text) return fail(text.error());
  std::string said;
  said += plan.account ? "would keep the user reversi\n"
                       : "would make the system user reversi: shell /bin/sh, no password, home " +
                             plan.dropin.state_dir + '\n';
  said +=
      (plan.has_state_dir ? "would keep the state directory " : "would make the state directory ") +
      plan.dropin.state_dir + ", the user's, mode 0700\n";
  if (!plan.linked_from.empty()) said += "would link " + plan.linked_from + " to it\n";
  said +=
      "would try a throw-away sshd with a node's login and a stranger's, and only then write\n" +
      plan.files.dropin_path() + " (without %C, if this sshd does not know it):\n\n" + *text +
      "\nwould check it with sshd -t and tell sshd to read it\n";
  print(said);
  return ExitCode::done;
}

/// What was made on the way, taken back unless the end was reached.
class Undo {
 public:
  ~Undo() {
    std::error_code ignored;
    if (!directory.empty()) std::filesystem::remove_all(directory, ignored);
    if (!account.empty()) static_cast<void>(remove_account(account));
    if (!password_field.empty()) static_cast<void>(set_password_field(kAccount, password_field));
  }
  Undo() = default;
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  void forget() {
    directory.clear();
    account.clear();
    password_field.clear();
  }

  std::string directory;       ///< made
  std::string account;         ///< made
  std::string password_field;  ///< changed
};

Result<SystemAccount> ensure_account(const Plan& plan, Undo& undo) {
  if (!plan.account) {
    auto made = make_account(kAccount, plan.dropin.state_dir);
    if (made) undo.account = kAccount;
    return made;
  }
  if (const std::string problem = account_problem(*plan.account); !problem.empty()) {
    return fail(Errc::config, problem);
  }
  auto locked = unlock_account(*plan.account);
  if (!locked) return fail(locked.error());
  undo.password_field = *std::move(locked);
  return *plan.account;
}

/// An account that somebody made before us.
Result<void> adapt_account(const Plan& plan, const SystemAccount& account, const Undo& undo) {
  if (!undo.password_field.empty()) print("user reversi: the password field is \"*\" now\n");
  if (::access(account.home.c_str(), F_OK) == 0) return {};
  print("user reversi: the home directory " + account.home + " does not exist, it is " +
        plan.dropin.state_dir + " now\n");
  return set_home(account.name, plan.dropin.state_dir);
}

Result<void> ensure_state_dir(const Plan& plan, const SystemAccount& account, Undo& undo) {
  const std::string& path = plan.dropin.state_dir;
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    const auto parent = std::filesystem::path(path).parent_path();
    if (auto ok = make_directories(parent, 0755); !ok) return ok;
    if (::mkdir(path.c_str(), 0700) != 0) return fail(errno_error(errno, path));
    undo.directory = path;
    info.st_uid = 0;
    info.st_mode = S_IFDIR | 0700;
  }
  if (!S_ISDIR(info.st_mode)) return fail(Errc::config, path + ": not a directory");
  if (info.st_uid == account.uid) return {};
  std::error_code failed;
  const bool is_new = info.st_uid == 0 && std::filesystem::is_empty(path, failed) && !failed;
  if (!is_new) {
    return fail(Errc::permission, path + ": belongs to another user; chown -R " + account.name +
                                      " it, or name another one with --state-dir");
  }
  const bool given =
      ::chmod(path.c_str(), 0700) == 0 && ::chown(path.c_str(), account.uid, account.gid) == 0;
  if (given) return {};
  return fail(errno_error(errno, path));
}

/// With %C if this sshd knows it. Which of the two was proven is told by `dropin`.
Result<void> prove(const Plan& plan, DropIn& dropin, const SystemAccount& account) {
  dropin.has_connection = true;
  if (prove_dropin(plan.files, dropin, account)) return {};
  dropin.has_connection = false;
  return prove_dropin(plan.files, dropin, account);
}

/// Written, checked where it is, and taken back if sshd does not like it there.
Result<bool> install(const Plan& plan, const std::string& text) {
  const std::string path = plan.files.dropin_path();
  if (text == plan.present_dropin) return false;
  if (auto ok = make_directories(plan.files.directory, 0755); !ok) return fail(ok.error());
  if (auto ok = write_file(path, text, kDropInMode, Sync::disk); !ok) return fail(ok.error());
  const auto checked = run_command({plan.files.sshd, "-t"});
  if (checked && checked->is_ok()) return true;
  const auto back = plan.present_dropin.empty()
                        ? Result<void>{}
                        : write_file(path, plan.present_dropin, kDropInMode, Sync::disk);
  if (plan.present_dropin.empty()) ::unlink(path.c_str());
  if (!back) warn(back.error().line());
  return fail(Errc::config, "sshd -t: " + (checked ? checked->why() : checked.error().line()));
}

/// The listening sshd that its pid file names; nothing if it is another process by now, or an sshd
/// below another one: that is somebody's session.
std::optional<pid_t> running_sshd(const std::string& pid_file) {
  if (!pid_file.starts_with('/')) return std::nullopt;
  const auto text = read_file(pid_file, 64);
  pid_t pid = 0;
  if (!text) return std::nullopt;
  std::from_chars(text->data(), text->data() + text->size(), pid);
  const auto info = process_info(pid);
  if (pid <= 1 || !info || info->name != "sshd") return std::nullopt;
  const auto parent = process_info(info->parent);
  if (parent && is_sshd_name(parent->name)) return std::nullopt;
  return pid;
}

std::string reload(const Plan& plan) {
  if (const auto pid = running_sshd(plan.pid_file); pid && ::kill(*pid, SIGHUP) == 0) {
    return "sshd (process id " + std::to_string(*pid) + ") reads it now";
  }
  if (::access("/run/systemd/system", F_OK) == 0) {
    for (const char* unit : {"ssh", "sshd"}) {
      const auto done = run_command({"systemctl", "reload", unit});
      if (done && done->is_ok()) return "systemctl reload " + std::string(unit) + ": done";
    }
  }
  return "sshd was not found running: start it, or tell it to read its configuration (service ssh "
         "reload)";
}

Result<void> change(const Plan& plan, DropIn& dropin) {
  Undo undo;
  const auto account = ensure_account(plan, undo);
  if (!account) return fail(account.error());
  if (auto ok = ensure_state_dir(plan, *account, undo); !ok) return ok;
  if (auto ok = prove(plan, dropin, *account); !ok) {
    return fail(Error(ok.error()).in("nothing was changed"));
  }
  print("proven: a node's login reaches its agent, an unknown key is refused\n");
  const auto text = dropin_text(dropin);
  if (!text) return fail(text.error());
  const auto installed = install(plan, *text);
  if (!installed) return fail(Error(installed.error()).in("nothing was changed"));
  if (auto ok = adapt_account(plan, *account, undo); !ok) warn(ok.error().line());
  if (!plan.linked_from.empty() &&
      ::symlink(plan.dropin.state_dir.c_str(), plan.linked_from.c_str()) != 0) {
    warn(errno_error(errno, plan.linked_from).line());
  }
  undo.forget();
  print(plan.files.dropin_path() + (*installed ? ": " + reload(plan) : ": as it was") + '\n');
  return {};
}

}  // namespace

Result<ExitCode> setup_system(const AdminOptions& options, bool dry_run) {
  const auto plan = make_plan(options);
  if (!plan) return fail(plan.error());
  if (dry_run) return show(*plan);
  if (::geteuid() != 0) return fail(Errc::permission, "needs root: run with sudo");
  DropIn dropin = plan->dropin;
  if (auto ok = change(*plan, dropin); !ok) return fail(ok.error());
  // As the owner from here on, which a process becomes for good: so another one does it.
  std::vector<std::string> words = {dropin.executable, "setup", "--user", "--state-dir",
                                    dropin.state_dir};
  if (!options.authorized_keys.empty()) {
    words.insert(words.end(), {"--authorized-keys", options.authorized_keys});
  }
  const auto own = run_command(words);
  if (!own) return fail(own.error());
  if (!own->is_ok()) return fail(Errc::io, own->why());
  print(own->out);
  return ExitCode::done;
}

}  // namespace reversi::server

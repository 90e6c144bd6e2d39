#include "server/io/sshd_proof.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>

#include "common/core/protocol.h"
#include "common/io/command.h"
#include "common/io/files.h"
#include "common/io/system_error.h"
#include "common/io/temporary_directory.h"
#include "server/io/state_dir.h"
#include "server/io/trial_sshd.h"

namespace reversi::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostConfigBytes = 1024 * 1024;
constexpr Millis kLoginLimit{30'000};
constexpr int kSshFailed = 255;
constexpr mode_t kPublic = 0644;
constexpr const char* kReached = "\"type\":\"welcome\"";  // the agent lives as long as its input
constexpr const char* kTrialNode = "setup-trial";

Result<void> copy_text(const std::string& from, const std::string& to) {
  std::error_code failed;
  const auto real = fs::canonical(from, failed);  // distributions link files of theirs
  const auto text = read_file(failed ? from : real.string(), kMostConfigBytes);
  if (!text) return fail(text.error());
  return write_file(to, *text, kPublic, Sync::none);
}

/// The effective configuration with our drop-in in its place among the others.
Result<void> copy_config(const SshdFiles& files, const TemporaryDirectory& trial,
                         const std::string& dropin) {
  const auto config = read_file(files.config, kMostConfigBytes);
  if (!config) return fail(config.error());
  const std::string directory = trial.at("sshd_config.d");
  if (auto ok = make_directories(directory, 0755); !ok) return ok;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(files.directory, failed)) {
    const std::string name = entry.path().filename();
    if (name == files.dropin || !entry.is_regular_file()) continue;
    if (auto ok = copy_text(entry.path(), directory + '/' + name); !ok) return ok;
  }
  return write_file(directory + '/' + files.dropin, dropin, kPublic, Sync::none).and_then([&] {
    return write_file(trial.at("sshd_config"),
                      redirect_includes(*config, files.directory, directory), kPublic, Sync::none);
  });
}

Result<PublicKey> make_key(const std::string& path) {
  const auto made =
      run_command({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "setup", "-f", path});
  if (!made) return fail(made.error());
  if (!made->is_ok()) return fail(Errc::io, "ssh-keygen: " + made->why());
  const auto text = read_file(path + ".pub", kMostConfigBytes);
  return text ? parse_public_key(*text) : fail(text.error());
}

Result<void> give_to(const SystemAccount& account, const std::string& directory) {
  const auto give = [&](const std::string& path) {
    return ::lchown(path.c_str(), account.uid, account.gid) == 0;
  };
  bool given = give(directory);
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    given = given && give(entry.path());
  }
  if (given) return {};
  return fail(errno_error(errno, directory));
}

/// A state directory of the account with one node in it.
Result<void> make_state(const std::string& path, const SystemAccount& account,
                        const PublicKey& key) {
  if (auto ok = make_directories(path, 0700); !ok) return ok;
  const auto state = StateDir::open_existing(path);
  const auto node = NodeName::parse(kTrialNode);
  const auto forward = ForwardName::parse("ssh");
  const auto port = listen_on_free_port();
  if (!state) return fail(state.error());
  if (!port) return fail(port.error());
  const NodeRecord record{*node, true, {key}, {{*forward, port->port, std::nullopt}}, {}};
  if (auto ok = state->create_node(*node); !ok) return ok;
  if (auto ok = state->save_node(record); !ok) return ok;
  return give_to(account, path);
}

Result<CommandOutput> log_in(const TemporaryDirectory& trial, const std::string& key,
                             const std::string& account, Port port) {
  Hello hello;
  hello.node = kTrialNode;
  hello.instance = hello.run = hello.machine = "setup";
  hello.forwards.push_back({"ssh", "127.0.0.1:22", std::nullopt, std::nullopt});
  std::vector<std::string> words{"ssh", "-F", "none", "-T", "-i", trial.at(key)};
  for (const char* option :
       {"IdentitiesOnly=yes", "IdentityAgent=none", "BatchMode=yes", "ControlMaster=no",
        "PreferredAuthentications=publickey", "StrictHostKeyChecking=no",
        "GlobalKnownHostsFile=/dev/null", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR",
        "ConnectTimeout=20"}) {
    words.insert(words.end(), {"-o", option});
  }
  words.insert(words.end(), {"-p", std::to_string(port), account + "@127.0.0.1"});
  return run_command(words, {.time = kLoginLimit, .until = kReached}, encode(ClientMessage{hello}));
}

/// sshd's last word that is not about the connection's end, which says more than ssh's.
std::string last_word(const std::string& log) {
  const auto text = read_file(log, 16 * kMostConfigBytes);
  std::string_view rest = text ? std::string_view(*text) : std::string_view{};
  while (!rest.empty()) {
    while (rest.ends_with('\n') || rest.ends_with('\r')) rest.remove_suffix(1);
    const std::size_t before = rest.rfind('\n') + 1;  // npos + 1 is 0
    const std::string_view line = rest.substr(before);
    rest = rest.substr(0, before);
    const bool is_end = line.starts_with("Connection ") || line.starts_with("Disconnected ");
    if (!line.empty() && !is_end) return "; sshd says: " + printable(line);
  }
  return {};
}

/// sshd as root does not start without it, and where sshd never ran it is not there.
class PrivilegeDirectory {
 public:
  PrivilegeDirectory() : was_made_(::mkdir(kPath, 0755) == 0) {}
  ~PrivilegeDirectory() {
    if (was_made_) ::rmdir(kPath);
  }
  PrivilegeDirectory(const PrivilegeDirectory&) = delete;
  PrivilegeDirectory& operator=(const PrivilegeDirectory&) = delete;

 private:
  static constexpr const char* kPath = "/run/sshd";
  bool was_made_;
};

}  // namespace

Result<void> prove_dropin(const SshdFiles& files, const DropIn& dropin,
                          const SystemAccount& account) {
  const auto trial = TemporaryDirectory::make("reversi-setup", {"/run", "/tmp"});
  if (!trial) return fail(trial.error());
  ::chmod(trial->path().c_str(), 0711);  // the account passes through it
  DropIn tried = dropin;
  tried.state_dir = trial->at("state");
  const auto text = dropin_text(tried);
  if (!text) return fail(text.error());
  if (auto ok = copy_config(files, *trial, *text); !ok) return ok;
  const auto known = make_key(trial->at("known"));
  if (!known) return fail(known.error());
  if (const auto unknown = make_key(trial->at("unknown")); !unknown) return fail(unknown.error());
  if (auto ok = make_state(tried.state_dir, account, *known); !ok) return ok;

  const PrivilegeDirectory privilege;
  const std::string log = trial->at("log");
  const auto sshd = TrialSshd::start(files.sshd, trial->at("sshd_config"), log);
  if (!sshd) return fail(sshd.error());
  const auto good = log_in(*trial, "known", account.name, sshd->port());
  if (!good) return fail(good.error());
  if (good->out.find(kReached) == std::string::npos) {
    return fail(Errc::refused, "a node's login to a trial sshd did not reach its agent: " +
                                   good->why() + last_word(log));
  }
  const auto bad = log_in(*trial, "unknown", account.name, sshd->port());
  if (!bad) return fail(bad.error());
  const bool is_refused =
      bad->exit_code == kSshFailed && bad->err.find("Permission denied") != std::string::npos;
  if (is_refused) return {};
  return fail(Errc::refused,
              "an unknown key was not refused by a trial sshd: " + bad->why() + last_word(log));
}

}  // namespace reversi::server

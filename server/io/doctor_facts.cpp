#include "server/io/doctor_facts.h"

#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>

#include "common/io/clock.h"
#include "common/io/command.h"
#include "common/io/files.h"
#include "common/io/system_error.h"
#include "common/io/temporary_directory.h"
#include "server/io/authorized_keys_file.h"
#include "server/io/process.h"
#include "server/io/session_progress.h"

namespace reversi::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostKeysBytes = 64 * 1024 * 1024;
constexpr std::size_t kMostProcBytes = 1024 * 1024;
constexpr Millis kSshdLimit{10'000};
constexpr int kMostGroupsOfAccount = 256;

std::string find_sshd(const std::string& named) {
  if (!named.empty()) return named;
  for (const char* path :
       {"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/local/bin/sshd", "/opt/sbin/sshd"}) {
    if (::access(path, X_OK) == 0) return path;
  }
  return "sshd";
}

/// A node comes from outside: an address of RFC 5737 stands for it. Match wants every criterion.
std::vector<std::string> sshd_command(const std::string& sshd, const std::string& account,
                                      const DoctorSources& sources) {
  std::vector<std::string> command{
      sshd, "-T", "-C",
      "user=" + account + ",host=node.invalid,addr=192.0.2.1,laddr=127.0.0.1,lport=22"};
  if (!sources.sshd_config.empty()) command.insert(command.end(), {"-f", sources.sshd_config});
  return command;
}

Result<CommandOutput> ask_sshd(std::vector<std::string> command) {
  auto output = run_command(command, {.time = kSshdLimit, .most_bytes = 256 * 1024});
  // Without root it can read no host key, and wants one though it will not use it.
  if (!output || output->is_ok() || output->err.find("no hostkeys") == std::string::npos) {
    return output;
  }
  const auto scratch = TemporaryDirectory::make("reversi-doctor");
  if (!scratch) return output;
  const std::string key = scratch->at("key");
  const auto made = run_command({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key});
  if (!made || !made->is_ok()) return output;
  command.insert(command.end(), {"-h", key});
  return run_command(command, {.time = kSshdLimit, .most_bytes = 256 * 1024});
}

SshdFacts gather_sshd(const std::string& account, const DoctorSources& sources) {
  SshdFacts facts;
  const std::string sshd = find_sshd(sources.sshd);
  struct stat info {};
  facts.has_sshrc = ::stat("/etc/ssh/sshrc", &info) == 0;
  // An old one does not know -V: its usage names the version, too.
  if (const auto said = run_command({sshd, "-V"})) {
    facts.version = parse_sshd_version(said->out + said->err);
  }
  const auto output = ask_sshd(sshd_command(sshd, account, sources));
  if (!output) {
    facts.problem = output.error().line();
  } else if (!output->is_ok()) {
    facts.problem = "sshd -T: " + output->why();
  } else {
    facts.settings = parse_sshd_settings(output->out);
  }
  return facts;
}

void add_groups(const passwd& entry, DoctorFacts& facts) {
  std::vector<gid_t> gids(kMostGroupsOfAccount);
  int count = kMostGroupsOfAccount;
  if (::getgrouplist(entry.pw_name, entry.pw_gid, gids.data(), &count) < 0)
    count = kMostGroupsOfAccount;
  gids.resize(static_cast<std::size_t>(std::clamp(count, 0, kMostGroupsOfAccount)));
  for (const gid_t gid : gids) {
    facts.account_gids.push_back(gid);
    if (const group* found = ::getgrgid(gid)) facts.account.groups.emplace_back(found->gr_name);
  }
}

Result<void> gather_account(uid_t uid, DoctorFacts& facts) {
  const passwd* entry = ::getpwuid(uid);
  if (entry == nullptr) {
    return fail(Errc::config, "the state directory belongs to user id " + std::to_string(uid) +
                                  ", which is no account here");
  }
  AccountFacts& account = facts.account;
  account.name = entry->pw_name;
  account.uid = uid;
  account.home = entry->pw_dir;
  account.shell = entry->pw_shell;
  add_groups(*entry, facts);
  // An empty shell is /bin/sh to sshd.
  if (account.shell.empty()) account.shell = "/bin/sh";
  account.is_shell_executable = ::access(account.shell.c_str(), X_OK) == 0;
  if (const spwd* shadow = ::getspnam(account.name.c_str())) {
    account.password = shadow->sp_pwdp;
    if (shadow->sp_expire >= 0) account.expires_day = shadow->sp_expire;
    const auto day = std::chrono::floor<std::chrono::days>(wall_now()).time_since_epoch().count();
    const bool is_aged = shadow->sp_max >= 0 && shadow->sp_lstchg > 0 && shadow->sp_max < 99'999 &&
                         shadow->sp_lstchg + shadow->sp_max < day;
    account.must_change_password = shadow->sp_lstchg == 0 || is_aged;
  }
  return {};
}

std::optional<PortRange> parse_range(std::string_view text, std::string_view separators) {
  unsigned first = 0;
  unsigned last = 0;
  const char* const end = text.data() + text.size();
  auto at = std::from_chars(text.data(), end, first);
  if (at.ec != std::errc{}) return std::nullopt;
  last = first;
  while (at.ptr != end && separators.find(*at.ptr) != std::string_view::npos) ++at.ptr;
  if (at.ptr != end && *at.ptr >= '0' && *at.ptr <= '9') std::from_chars(at.ptr, end, last);
  if (first > 65'535 || last > 65'535) return std::nullopt;
  return PortRange{static_cast<Port>(first), static_cast<Port>(last)};
}

void gather_machine(DoctorFacts& facts) {
  facts.tells_progress = can_tell_progress();
  if (const auto text = read_file("/proc/sys/net/ipv4/ip_local_port_range", 4096)) {
    facts.ephemeral = parse_range(*text, " \t");
  }
  if (const auto text = read_file("/proc/sys/net/ipv4/ip_local_reserved_ports", kMostProcBytes)) {
    std::string_view rest = *text;
    while (!rest.empty()) {
      const std::string_view part = rest.substr(0, rest.find_first_of(",\n"));
      rest.remove_prefix(std::min(rest.size(), part.size() + 1));
      if (const auto range = parse_range(part, "-")) facts.reserved.push_back(*range);
    }
  }
  // "proc /proc proc rw,nosuid,hidepid=2 0 0"; the last mount is the one that is seen.
  if (const auto text = read_file("/proc/self/mounts", kMostProcBytes)) {
    const std::string mark = " /proc proc ";
    if (const auto at = text->rfind(mark); at != std::string::npos) {
      facts.proc_options = text->substr(at + mark.size());
      facts.proc_options.resize(std::min(facts.proc_options.find(' '), facts.proc_options.size()));
    }
  }
}

/// The first word of a line's forced command.
std::string executable_of(std::string_view line) {
  constexpr std::string_view kMark = "command=\"exec ";
  const auto at = line.find(kMark);
  if (at == std::string_view::npos) return {};
  std::string_view rest = line.substr(at + kMark.size());
  const bool is_quoted = rest.starts_with('\'');
  if (is_quoted) rest.remove_prefix(1);
  return std::string(rest.substr(0, rest.find(is_quoted ? '\'' : ' ')));
}

void gather_keys(const StateDir& state, const LoadedPolicy& loaded, DoctorFacts& facts) {
  KeysFileFacts& keys = facts.keys;
  keys.executable = own_executable().value_or("");
  const auto path = authorized_keys_path(loaded);
  if (!path) {
    keys.problem = path.error().line();
    return;
  }
  keys.path = *path;
  keys.way = way_to(*path, facts.account.home);
  std::error_code failed;
  const auto real = fs::canonical(*path, failed);
  const auto text = failed == std::errc::no_such_file_or_directory
                        ? Result<std::string>(std::string{})
                        : read_file(failed ? *path : real.string(), kMostKeysBytes);
  if (!text) {
    keys.problem = text.error().line();
    return;
  }
  auto lines = read_key_lines(*text, state.path());
  if (!lines) {
    keys.problem = Error(lines.error()).in(*path).line();
    return;
  }
  keys.lines = *std::move(lines);
  for (const KeyLine& line : keys.lines) {
    const std::string program = line.node.empty() ? "" : executable_of(line.text);
    const bool is_new =
        std::ranges::find(keys.gone_executables, program) == keys.gone_executables.end();
    if (!program.empty() && is_new && ::access(program.c_str(), X_OK) != 0) {
      keys.gone_executables.push_back(program);
    }
  }
}

void note_owner(const std::string& path, DoctorFacts& facts) {
  struct stat info {};
  const bool is_foreign = ::lstat(path.c_str(), &info) == 0 &&
                          static_cast<std::int64_t>(info.st_uid) != facts.account.uid;
  if (is_foreign) facts.foreign_files.push_back(path);
}

void gather_nodes(const StateDir& state, DoctorFacts& facts) {
  const AgentCommand command{facts.keys.executable, state.path()};
  for (const NodeName& name : state.list_nodes()) {
    const NodeFiles files = state.load_files(name);
    DoctorNode node{name.text(), files.record, files.problem, {}, {}};
    if (files.record) node.lines = authorized_lines(*files.record, command).value_or(node.lines);
    if (files.agent_lives && files.status && files.status->session) {
      node.client_address = files.status->session->client_address;
    }
    note_owner(state.node_path(name), facts);
    note_owner(state.node_file(name, "node.json"), facts);
    facts.nodes.push_back(std::move(node));
  }
}

}  // namespace

std::vector<PathFacts> way_to(const std::string& file, const std::string& home) {
  std::vector<PathFacts> way;
  std::error_code failed;
  const fs::path real_home = fs::weakly_canonical(home, failed);
  fs::path path = fs::weakly_canonical(file, failed);
  while (!path.empty()) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) {
      way.push_back({path.string(), info.st_uid, info.st_mode & 07777U});
    }
    if (path == real_home || path == path.parent_path()) break;
    path = path.parent_path();
  }
  return way;
}

Result<DoctorFacts> gather_as_caller(const std::string& state_dir, const DoctorSources& sources) {
  struct stat info {};
  if (::stat(state_dir.c_str(), &info) != 0) return fail(errno_error(errno, state_dir));
  DoctorFacts facts;
  facts.state_dir = state_dir;
  facts.state_mode = info.st_mode & 07777U;
  facts.now = wall_now();
  if (auto ok = gather_account(info.st_uid, facts); !ok) return fail(ok.error());
  facts.sshd = gather_sshd(facts.account.name, sources);
  gather_machine(facts);
  return facts;
}

void gather_as_owner(const StateDir& state, DoctorFacts& facts) {
  const LoadedPolicy loaded = state.load_policy();
  facts.policy = loaded.policy;
  facts.policy_problem = loaded.problem;
  facts.is_policy_broken = loaded.is_broken;
  note_owner(state.path() + "/server.json", facts);
  gather_keys(state, loaded, facts);
  gather_nodes(state, facts);
  struct statvfs disk {};
  if (::statvfs(state.path().c_str(), &disk) != 0) return;
  facts.free_bytes = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  // btrfs and others count no inodes.
  if (disk.f_files > 0) facts.free_inodes = disk.f_favail;
}

}  // namespace reversi::server

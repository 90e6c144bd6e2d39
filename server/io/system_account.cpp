#include "server/io/system_account.h"

#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include "common/io/command.h"
#include "common/io/system_error.h"

namespace reversi::server {
namespace {

constexpr const char* kShell = "/bin/sh";

Result<void> run(const std::vector<std::string>& words) {
  const auto done = run_command(words);
  if (!done) return fail(done.error());
  if (done->is_ok()) return {};
  return fail(Errc::io, words.front() + ": " + done->why());
}

/// "x" is no password: it says that the shadow file has it.
bool has_password(const std::string& name) {
  constexpr std::array<std::string_view, 5> kNone = {"*", "!", "!!", "!*", "x"};
  const spwd* entry = ::getspnam(name.c_str());
  const passwd* account = entry == nullptr ? ::getpwnam(name.c_str()) : nullptr;
  if (entry == nullptr && account == nullptr) return false;
  const std::string_view field = entry != nullptr ? entry->sp_pwdp : account->pw_passwd;
  return std::ranges::find(kNone, field) == kNone.end();
}

/// The group that lets this account become root; empty: none.
std::string group_of_admins(const SystemAccount& account) {
  constexpr std::array<std::string_view, 3> kAdmins = {"sudo", "wheel", "admin"};
  constexpr int kMostGroups = 1024;
  std::vector<gid_t> gids(kMostGroups);
  int count = kMostGroups;
  ::getgrouplist(account.name.c_str(), account.gid, gids.data(), &count);
  gids.resize(static_cast<std::size_t>(std::clamp(count, 0, kMostGroups)));
  for (const gid_t gid : gids) {
    const group* found = ::getgrgid(gid);
    if (found != nullptr && std::ranges::find(kAdmins, found->gr_name) != kAdmins.end()) {
      return found->gr_name;
    }
  }
  return {};
}

/// Nodes' settings, which allow no password and no terminal, would lock a person out.
std::string person_problem(const SystemAccount& account) {
  const std::string cure =
      ", so a person may log in with it, whom setup would lock out: rename that account (usermod "
      "--login OTHER " +
      account.name + "), or, if nobody does, ";
  if (has_password(account.name)) {
    return "the user " + account.name + " has a password" + cure + "usermod --password '*' " +
           account.name;
  }
  const std::string admins = group_of_admins(account);
  if (admins.empty()) return {};
  return "the user " + account.name + " is in the group " + admins + cure +
         "take it out of that group (gpasswd --delete " + account.name + ' ' + admins + ')';
}

}  // namespace

std::optional<SystemAccount> find_account(const std::string& name) {
  const passwd* found = ::getpwnam(name.c_str());
  if (found == nullptr) return std::nullopt;
  return SystemAccount{found->pw_name, found->pw_uid, found->pw_gid, found->pw_dir,
                       found->pw_shell};
}

Result<SystemAccount> make_account(const std::string& name, const std::string& home) {
  auto made = run({"useradd", "--system", "--user-group", "--no-create-home", "--home-dir", home,
                   "--shell", kShell, "--password", "*", name});
  if (!made && made.error().code() == Errc::not_found) {
    return fail(Errc::not_found, "there is no useradd here: make the user " + name +
                                     " (shell /bin/sh, home " + home +
                                     ", password field *) by hand and run setup again");
  }
  if (!made) return fail(made.error());
  auto account = find_account(name);
  if (account) return *std::move(account);
  return fail(Errc::io, "useradd made no user " + name);
}

Result<void> remove_account(const std::string& name) {
  return run({"userdel", name});
}

std::string account_problem(const SystemAccount& account) {
  if (account.uid == 0) return "the user " + account.name + " is root; choose another account";
  const std::string shell = account.shell.empty() ? kShell : account.shell;
  const std::string base = std::filesystem::path(shell).filename();
  const bool is_usable = base != "nologin" && base != "false" && ::access(shell.c_str(), X_OK) == 0;
  if (is_usable) return person_problem(account);
  return "the shell of " + account.name + " is " + shell +
         ", which runs no command: usermod --shell /bin/sh " + account.name;
}

Result<std::string> unlock_account(const SystemAccount& account) {
  const spwd* entry = ::getspnam(account.name.c_str());
  const std::string field = entry == nullptr ? "" : entry->sp_pwdp;
  if (field != "!" && field != "!!" && field != "!*") return std::string();
  return set_password_field(account.name, "*").map([&] { return field; });
}

Result<void> set_password_field(const std::string& name, const std::string& field) {
  return run({"usermod", "--password", field, name});
}

Result<void> set_home(const std::string& name, const std::string& home) {
  return run({"usermod", "--home", home, name});
}

std::string command_path_problem(const std::string& path) {
  std::filesystem::path at = path;
  for (;;) {
    struct stat info {};
    if (::lstat(at.c_str(), &info) != 0) return errno_error(errno, at.string()).line();
    if (info.st_uid != 0 || (info.st_mode & 022) != 0) {
      return at.string() +
             (info.st_uid != 0 ? " does not belong to root" : " is writable by others than root") +
             ", and sshd runs no command from there: `install -m 755 " + path +
             " /usr/local/bin/reversi-server` and set up with that one";
    }
    if (at == at.parent_path()) return {};
    at = at.parent_path();
  }
}

}  // namespace reversi::server

// Which directory it is, and as whom we work in it.

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "common/io/system_error.h"
#include "server/io/own_file.h"
#include "server/io/state_dir.h"

namespace reversi::server {
namespace {

const std::string kSystemDir = "/var/lib/reversi";

std::string variable(const char* name) {
  const char* value = ::secure_getenv(name);
  return value == nullptr ? "" : value;
}

/// Where the directory is, and whether somebody named it.
struct Choice {
  std::string path;
  bool is_named = false;
};

Result<Choice> choose(const std::string& option) {
  if (!option.empty()) return Choice{option, true};
  if (std::string named = variable("REVERSI_STATE_DIR"); !named.empty()) return Choice{named, true};
  struct stat info {};
  // Whether it can be read does not matter here: there must be no second directory beside it.
  if (::lstat(kSystemDir.c_str(), &info) == 0 || errno == EACCES) return Choice{kSystemDir, false};
  if (::geteuid() == 0) {
    return fail(Errc::config,
                "no state directory: run setup --system, or name one with --state-dir");
  }
  const std::string home = variable("HOME");
  const std::string base = variable("XDG_STATE_HOME");
  if (base.starts_with('/')) return Choice{base + "/reversi", false};
  if (home.starts_with('/')) return Choice{home + "/.local/state/reversi", false};
  return fail(Errc::config, "neither HOME nor XDG_STATE_HOME is set; give --state-dir DIR");
}

bool is_there(const std::filesystem::path& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

std::string nearest_existing(std::filesystem::path path) {
  while (path.has_parent_path() && path != path.parent_path() && !is_there(path)) {
    path = path.parent_path();
  }
  return is_there(path) ? path.string() : ".";
}

/// A root process becomes the directory's owner, for good: files made by root could never be
/// written by the agents.
Result<void> become_owner(const std::string& path, const struct stat& info) {
  if (::geteuid() != 0 || info.st_uid == 0) return {};
  const passwd* account = ::getpwuid(info.st_uid);
  const int groups =
      account != nullptr ? ::initgroups(account->pw_name, info.st_gid) : ::setgroups(0, nullptr);
  const bool done = groups == 0 && ::setresgid(info.st_gid, info.st_gid, info.st_gid) == 0 &&
                    ::setresuid(info.st_uid, info.st_uid, info.st_uid) == 0;
  if (!done) return fail(errno_error(errno, path + ": become its owner"));
  // root's home is nobody's here; without an account there is none.
  if (account != nullptr) {
    ::setenv("HOME", account->pw_dir, 1);
  } else {
    ::unsetenv("HOME");
  }
  return {};
}

}  // namespace

Result<std::string> StateDir::find(const std::string& option) {
  return choose(option).map([](const Choice& choice) { return choice.path; });
}

Result<StateDir> StateDir::open(const std::string& option) {
  const auto choice = choose(option);
  if (!choice) return fail(choice.error());
  struct stat info {};
  if (::stat(choice->path.c_str(), &info) != 0) {
    if (errno == EACCES) {
      return fail(Errc::permission, choice->path + ": not readable; run with sudo");
    }
    if (errno != ENOENT) return fail(errno_error(errno, choice->path));
    // One that was deleted from an account's home is that account's again.
    const auto parent = nearest_existing(choice->path);
    if (::stat(parent.c_str(), &info) != 0) return fail(errno_error(errno, parent));
    if (auto ok = become_owner(parent, info); !ok) return fail(ok.error());
    if (auto ok = make_directories(choice->path, kOwnDirMode); !ok) return fail(ok.error());
    return open_existing(choice->path);
  }
  if (auto ok = become_owner(choice->path, info); !ok) return fail(ok.error());
  return open_existing(choice->path);
}

}  // namespace reversi::server

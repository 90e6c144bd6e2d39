#include "server/io/authorized_keys_file.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "common/io/files.h"
#include "common/io/system_error.h"

namespace reversi::server {
namespace {

constexpr std::size_t kMostKeysFileBytes = 64 * 1024 * 1024;

/// The file behind a symbolic link, so that the rename replaces the file and not the link.
Result<std::string> resolve(const std::string& path) {
  std::error_code failed;
  const auto resolved = std::filesystem::weakly_canonical(path, failed);
  if (!failed) return resolved.string();
  return fail(errno_error(failed.value(), path));
}

Result<void> check_file(const std::string& path, const struct stat& info) {
  if (!S_ISREG(info.st_mode)) return fail(Errc::config, path + ": not a regular file");
  // The rename would make it ours; sshd would then refuse it, or another user lose it.
  if (info.st_uid == ::geteuid()) return {};
  return fail(Errc::permission, path +
                                    ": belongs to another user; run as that user or with sudo, or "
                                    "choose another file with --authorized-keys");
}

}  // namespace

std::string home_directory() {
  // A root process that became the directory's owner has the owner's HOME (StateDir::open).
  const char* home = ::secure_getenv("HOME");
  if (home == nullptr || *home != '/') {
    const passwd* account = ::getpwuid(::geteuid());
    home = account != nullptr ? account->pw_dir : nullptr;
  }
  return home != nullptr && *home == '/' ? home : "";
}

Result<std::string> authorized_keys_path(const LoadedPolicy& loaded) {
  if (loaded.is_broken) {
    return fail(Errc::config,
                "server.json cannot be used, so it is not known which authorized_keys sshd reads; "
                "mend it, or move it aside with `reversi-server doctor --repair`");
  }
  if (!loaded.policy.authorized_keys.empty()) return loaded.policy.authorized_keys;
  if (const std::string home = home_directory(); !home.empty()) {
    return home + "/.ssh/authorized_keys";
  }
  return fail(Errc::config,
              "no home directory to find authorized_keys in; give --authorized-keys FILE");
}

Result<void> change_authorized_keys(const std::string& path, Millis lock_limit,
                                    const TextChange& change) {
  const auto file = resolve(path);
  if (!file) return fail(file.error());
  const auto parent = parent_directory(*file);
  if (auto ok = make_directories(parent, 0700); !ok) return ok;
  const auto lock = lock_directory(parent, lock_limit);
  if (!lock) return fail(lock.error());
  mode_t mode = 0600;
  std::string text;
  struct stat info {};
  if (::lstat(file->c_str(), &info) == 0) {
    if (auto ok = check_file(*file, info); !ok) return ok;
    mode = info.st_mode & 07777;
    auto present = read_file(*file, kMostKeysFileBytes);
    if (!present) return fail(present.error());
    text = *std::move(present);
  } else if (errno != ENOENT) {
    return fail(errno_error(errno, *file));
  }
  const auto changed = change(text);
  if (!changed) return fail(Error(changed.error()).in(*file));
  if (*changed == text) return {};
  return write_file(*file, *changed, mode, Sync::disk);
}

}  // namespace reversi::server

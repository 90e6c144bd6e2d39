#include "server/io/own_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/io/system_error.h"
#include "common/io/unique_fd.h"

namespace reversi::server {

Result<std::string> read_own_file(const std::string& path, std::size_t most_bytes) {
  return read_own_file_at(AT_FDCWD, path, nullptr, most_bytes);
}

Result<std::string> read_own_file_at(int directory, const std::string& path, struct stat* info_out,
                                     std::size_t most_bytes) {
  // O_NONBLOCK: opening a fifo somebody put there must not wait for its writer.
  const UniqueFd fd{
      ::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!fd && errno == ELOOP)
    return fail(Errc::io, path + ": a symbolic link, which is not followed");
  if (!fd) return fail(errno_error(errno, path));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(errno_error(errno, path));
  if (info_out != nullptr) *info_out = info;
  if (!S_ISREG(info.st_mode)) return fail(Errc::io, path + ": not a regular file");
  if (info.st_uid != ::geteuid()) return fail(Errc::io, path + ": belongs to another user");
  if (static_cast<std::size_t>(info.st_size) > most_bytes) {
    return fail(Errc::io, path + ": larger than " + std::to_string(most_bytes) + " bytes");
  }
  // One read: files here are replaced, never changed, and `status` reads thousands of them.
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  if (got < 0) return fail(errno_error(errno, path));
  text.resize(static_cast<std::size_t>(got));
  return text;
}

void clear_the_way(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return;
  if (S_ISREG(info.st_mode) && info.st_uid == ::geteuid()) return;
  std::error_code ignored;  // who comes next reports what is in the way
  std::filesystem::remove_all(path, ignored);
}

void sweep_left_over(const std::string& directory, WallTime now) {
  std::error_code failed;
  std::filesystem::directory_iterator entry(directory, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    struct stat info {};
    const bool is_temporary =
        entry->path().filename().string().find(".tmp.") != std::string::npos &&
        ::lstat(entry->path().c_str(), &info) == 0 && S_ISREG(info.st_mode);
    const WallTime written{Millis{info.st_mtim.tv_sec * 1000}};
    // One from the future is of before the clock was set back.
    if (is_temporary && (now - written > kLeftOverAge || written - now > kLeftOverAge)) {
      ::unlink(entry->path().c_str());
    }
  }
}

}  // namespace reversi::server

#include "server/io/own_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/io/files.h"
#include "common/io/system_error.h"

namespace reversi::server {
namespace {

constexpr std::size_t kMostFileBytes = 1024 * 1024;

}  // namespace

Result<std::string> read_own_file(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return fail(errno_error(errno, path));
  if (!S_ISREG(info.st_mode)) return fail(Errc::io, path + ": not a regular file");
  if (info.st_uid != ::geteuid()) return fail(Errc::io, path + ": belongs to another user");
  return read_file(path, kMostFileBytes);
}

void clear_the_way(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return;
  if (S_ISREG(info.st_mode) && info.st_uid == ::geteuid()) return;
  std::error_code ignored;  // who comes next reports what is in the way
  std::filesystem::remove_all(path, ignored);
}

}  // namespace reversi::server

#include "common/io/files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "common/io/clock.h"
#include "common/io/system_error.h"

namespace reversi {
namespace {

std::string directory_of(const std::string& path) {
  const auto parent = parent_directory(path);
  return parent.empty() ? "." : parent;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Makes the rename itself durable. Best effort: some file systems cannot.
void sync_directory(const std::string& path) {
  const UniqueFd dir{::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (dir) ::fsync(dir.get());
}

/// @param fd  Just opened; invalid if that failed, with the reason in errno.
Result<UniqueFd> lock_descriptor(UniqueFd fd, const std::string& path, Millis limit) {
  if (!fd) return fail(errno_error(errno, path));
  const MonoTime deadline = mono_now() + limit;
  // flock() has no limit of its own, and an alarm would belong to the whole process: so we ask.
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail(errno_error(errno, path));
    if (mono_now() >= deadline) {
      return fail(Errc::timeout, path + ": still locked by another process after " +
                                     std::to_string(limit.count()) + " ms");
    }
    ::poll(nullptr, 0, 10);
  }
  return fd;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t most_bytes) {
  // O_NONBLOCK: opening a fifo somebody put there must not wait for its writer.
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!fd) return fail(errno_error(errno, path));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(errno_error(errno, path));
  if (!S_ISREG(info.st_mode)) return fail(Errc::io, path + ": not a regular file");
  std::string text;
  std::array<char, 16 * 1024> chunk;
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error(errno, path));
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > most_bytes) {
      return fail(Errc::io, path + ": larger than " + std::to_string(most_bytes) + " bytes");
    }
  }
}

Result<void> write_file(const std::string& path, std::string_view text, mode_t mode, Sync sync) {
  const std::string temporary = path + ".tmp." + random_hex(4);
  UniqueFd fd{
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)};
  if (!fd) return fail(errno_error(errno, path));
  const auto give_up = [&](int error) {
    ::unlink(temporary.c_str());
    return fail(errno_error(error, path));
  };
  // fchmod: the umask must not decide who may read a key.
  if (::fchmod(fd.get(), mode) != 0 || !write_all(fd.get(), text)) return give_up(errno);
  if (sync == Sync::disk && ::fsync(fd.get()) != 0) return give_up(errno);
  if (::close(fd.release()) != 0) return give_up(errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return give_up(errno);
  if (sync == Sync::disk) sync_directory(path);
  return {};
}

Result<bool> write_file_if_changed(const std::string& path, std::string_view text, mode_t mode,
                                   Sync sync) {
  if (const auto present = read_file(path, text.size()); present && *present == text) return false;
  return write_file(path, text, mode, sync).map([] { return true; });
}

std::string parent_directory(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

Result<void> make_directories(const std::string& path, mode_t mode) {
  if (path.empty() || ::access(path.c_str(), F_OK) == 0) return {};
  const auto parent = parent_directory(path);
  if (parent != path) {
    if (auto ok = make_directories(parent, mode); !ok) return ok;
  }
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return fail(errno_error(errno, path));
  return {};
}

Result<UniqueFd> lock_file(const std::string& path, Millis limit) {
  UniqueFd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)};
  return lock_descriptor(std::move(fd), path, limit);
}

Result<UniqueFd> lock_directory(const std::string& path, Millis limit) {
  UniqueFd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return lock_descriptor(std::move(fd), path, limit);
}

std::string random_hex(std::size_t bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  std::array<unsigned char, 32> random{};
  while (bytes > 0) {
    const std::size_t take = std::min(bytes, random.size());
    if (::getentropy(random.data(), take) != 0) throw std::runtime_error("getentropy failed");
    for (std::size_t i = 0; i < take; ++i) {
      text += kDigits[random[i] >> 4];
      text += kDigits[random[i] & 15];
    }
    bytes -= take;
  }
  return text;
}

}  // namespace reversi

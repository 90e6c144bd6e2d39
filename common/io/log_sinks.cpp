#include "common/io/log_sinks.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/io/clock.h"
#include "common/io/files.h"
#include "common/io/platform.h"
#include "common/io/system_error.h"
#include "common/io/unique_fd.h"

namespace reversi {
namespace {

constexpr std::array<const char*, 5> kLevelNames{"trace", "debug", "info", "warning", "error"};

class StandardErrorSink final : public LogSink {
  bool put(LogLevel level, const std::string& text) override {
    // A pipe that polls writable takes PIPE_BUF bytes at once, and our lines are shorter (pipe(7)).
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
    const std::string line = log_line(level, text);
    return ::write(STDERR_FILENO, line.data(), line.size()) >= 0;
  }
};

class FileSink final : public LogSink {
 public:
  FileSink(std::string path, std::size_t most_bytes)
      : path_(std::move(path)), most_bytes_(most_bytes) {}

  bool open() {
    // Should it be a FIFO that nobody reads: an error, and no wait.
    constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC;
    file_ = UniqueFd{::open(path_.c_str(), kFlags, 0644)};
    struct stat found {};
    if (!file_ || ::fstat(file_.get(), &found) != 0) return false;
    size_ = static_cast<std::size_t>(found.st_size);
    return true;
  }

 private:
  bool put(LogLevel level, const std::string& text) override {
    const std::string line = log_line(level, text);
    if (size_ > 0 && size_ + line.size() > most_bytes_ && !rotate()) return false;
    if (!file_ && !open()) return false;
    // A full disk takes a part or nothing; what it took counts all the same.
    const ssize_t taken = ::write(file_.get(), line.data(), line.size());
    if (taken > 0) size_ += static_cast<std::size_t>(taken);
    return taken == static_cast<ssize_t>(line.size());
  }

  /// Where it cannot be renamed its lines are given up: a log must not fill a disk.
  bool rotate() {
    const bool is_away = ::rename(path_.c_str(), (path_ + ".1").c_str()) == 0 || errno == ENOENT;
    if (!is_away && ::ftruncate(file_.get(), 0) != 0) return false;
    if (is_away) file_.reset();
    size_ = 0;
    return true;
  }

  std::string path_;
  std::size_t most_bytes_;
  UniqueFd file_;
  std::size_t size_ = 0;
};

int syslog_level(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return LOG_ERR;
    case LogLevel::warning:
      return LOG_WARNING;
    case LogLevel::info:
      return LOG_INFO;
    case LogLevel::debug:
    case LogLevel::trace:
      break;
  }
  return LOG_DEBUG;
}

/// syslog(3) itself waits for a logger whose queue is full.
class SyslogSink final : public LogSink {
 public:
  SyslogSink(std::string ident, std::string path)
      : ident_(std::move(ident)), path_(std::move(path)) {}

 private:
  bool put(LogLevel level, const std::string& text) override {
    std::string line = '<' + std::to_string(LOG_DAEMON | syslog_level(level)) + '>' + ident_;
    line += '[' + std::to_string(::getpid()) + "]: " + text;
    // Once more with a new socket: the logger may have been restarted.
    return send(line) || (connect() && send(line));
  }
  bool send(const std::string& text) {
    if (!socket_) return false;
    // Some loggers take a stream, where a NUL ends the line, as syslog(3) knows.
    const std::string line = type_ == SOCK_STREAM ? text + '\0' : text;
    return send_now(socket_.get(), line) == static_cast<ssize_t>(line.size());
  }
  bool connect() {
    return connect_as(SOCK_DGRAM) || (errno == EPROTOTYPE && connect_as(SOCK_STREAM));
  }
  bool connect_as(int type) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    type_ = type;
    socket_ = open_socket(AF_UNIX, type);
    return socket_ && ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                                sizeof address) == 0;
  }

  std::string ident_;
  std::string path_;
  UniqueFd socket_;
  int type_ = SOCK_DGRAM;
};

}  // namespace

void LogSink::write(LogLevel level, const std::string& text) {
  if (lost_ > 0 && put(level, std::to_string(lost_) + " log lines were lost here")) lost_ = 0;
  if (lost_ > 0 || !put(level, text)) ++lost_;
}

std::string log_line(LogLevel level, const std::string& text) {
  std::string line = format_rfc3339(wall_now());
  line += ' ';
  line += kLevelNames.at(static_cast<std::size_t>(level));
  return line + ' ' + text + '\n';
}

std::unique_ptr<LogSink> standard_error_sink() {
  return std::make_unique<StandardErrorSink>();
}

Result<std::unique_ptr<LogSink>> file_sink(const std::string& path, std::size_t most_bytes) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  if (!directory.empty()) {
    auto made = make_directories(directory, 0755);
    if (!made) return fail(std::move(made).error());
  }
  auto sink = std::make_unique<FileSink>(path, most_bytes);
  if (!sink->open()) return fail(errno_error(errno, path));
  return sink;
}

std::unique_ptr<LogSink> syslog_sink(std::string ident, std::string path) {
  return std::make_unique<SyslogSink>(std::move(ident), std::move(path));
}

}  // namespace reversi

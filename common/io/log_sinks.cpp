#include "common/io/log_sinks.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include <spdlog/sinks/base_sink.h>

#include "common/io/platform.h"
#include "common/io/unique_fd.h"

namespace reversi {
namespace {

using Message = spdlog::details::log_msg;

/// One thread logs, so no lock; `put` says whether the line was taken.
class UnwaitingSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 protected:
  virtual bool put(const Message& message, std::string_view line) = 0;

 private:
  void sink_it_(const Message& message) final {
    if (lost_ > 0) {
      const std::string note = std::to_string(lost_) + " log lines were lost here";
      Message lost = message;
      lost.payload = note;
      if (write(lost)) lost_ = 0;
    }
    if (lost_ > 0 || !write(message)) ++lost_;
  }
  bool write(const Message& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    return put(message, {line.data(), line.size()});
  }
  void flush_() final {}

  std::size_t lost_ = 0;
};

class StandardErrorSink final : public UnwaitingSink {
  bool put(const Message&, std::string_view line) override {
    // A pipe that polls writable takes PIPE_BUF bytes at once, and our lines are shorter (pipe(7)).
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
    return ::write(STDERR_FILENO, line.data(), line.size()) >= 0;
  }
};

int syslog_level(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical:
    case spdlog::level::err:
      return LOG_ERR;
    case spdlog::level::warn:
      return LOG_WARNING;
    case spdlog::level::info:
      return LOG_INFO;
    default:
      return LOG_DEBUG;
  }
}

/// syslog(3) itself waits for a logger whose queue is full.
class SyslogSink final : public UnwaitingSink {
 public:
  SyslogSink(std::string ident, std::string path)
      : ident_(std::move(ident)), path_(std::move(path)) {}

 private:
  bool put(const Message& message, std::string_view) override {
    std::string line =
        '<' + std::to_string(LOG_DAEMON | syslog_level(message.level)) + '>' + ident_;
    line += '[' + std::to_string(::getpid()) + "]: ";
    line.append(message.payload.data(), message.payload.size());
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

std::shared_ptr<spdlog::sinks::sink> standard_error_sink() {
  return std::make_shared<StandardErrorSink>();
}

std::shared_ptr<spdlog::sinks::sink> syslog_sink(std::string ident, std::string path) {
  return std::make_shared<SyslogSink>(std::move(ident), std::move(path));
}

}  // namespace reversi

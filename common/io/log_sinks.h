#pragma once
// Where log lines go without ever waiting: a pager on our standard error or a system logger that hangs must not hang a
// tunnel. A line that cannot be taken at once is lost, and the next that can says how many were.

#include <cstddef>
#include <memory>
#include <string>

#include "common/core/error.h"
#include "common/io/platform.h"

namespace reversi {

enum class LogLevel { trace, debug, info, warning, error };

/// One thread logs, so no lock.
class LogSink {
 public:
  LogSink() = default;
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
  virtual ~LogSink() = default;

  void write(LogLevel level, const std::string& text);

 private:
  /// Whether the line was taken.
  virtual bool put(LogLevel level, const std::string& text) = 0;

  std::size_t lost_ = 0;
};

/// "2026-11-20T14:02:07.123Z warning TEXT" and a line feed, as the next two write it.
[[nodiscard]] std::string log_line(LogLevel level, const std::string& text);

[[nodiscard]] std::unique_ptr<LogSink> standard_error_sink();

/// Appends to `path`, whose missing directories are made. Before a line that would make it larger than `most_bytes` it
/// becomes `path`.1, and what was that is gone.
/// @errors  not_found, permission, io  it cannot be opened
[[nodiscard]] Result<std::unique_ptr<LogSink>> file_sink(const std::string& path,
                                                         std::size_t most_bytes);

/// The system logger's datagram socket, in the format of RFC 3164 without its time, which the logger adds.
/// @param ident  Our name there.
/// @param path   The socket; a parameter for tests.
[[nodiscard]] std::unique_ptr<LogSink> syslog_sink(std::string ident,
                                                   std::string path = kSystemLogSocket);

}  // namespace reversi

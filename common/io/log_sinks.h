#pragma once
// Where log lines go without ever waiting: a pager on our standard error or a system logger that hangs must not hang a
// tunnel. A line that cannot be taken at once is lost, and the next that can says how many were.

#include <memory>
#include <string>

#include <spdlog/sinks/sink.h>

#include "common/io/platform.h"

namespace reversi {

[[nodiscard]] std::shared_ptr<spdlog::sinks::sink> standard_error_sink();

/// The system logger's datagram socket, in the format of RFC 3164 without its time, which the logger adds.
/// @param ident  Our name there.
/// @param path   The socket; a parameter for tests.
[[nodiscard]] std::shared_ptr<spdlog::sinks::sink> syslog_sink(std::string ident,
                                                               std::string path = kSystemLogSocket);

}  // namespace reversi

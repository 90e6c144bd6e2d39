#pragma once
// Exit codes are API: scripts, cron and init read them.

#include "common/core/error.h"

namespace reversi {

enum class ExitCode : int {
  done = 0,
  failed = 1,  ///< also: `status` of a node that is not up, `probe` not all healthy
  usage = 2,
  config = 3,  ///< configuration invalid, or nothing is running
  // Only of the worker, read by the supervisor:
  retry = 10,    ///< the session ended or never came to be; another attempt may do better
  refused = 11,  ///< key or host key refused: a person has to do something
};

/// The exit code of a verb that ended with this error.
[[nodiscard]] constexpr ExitCode exit_code_of(Errc code) {
  switch (code) {
    case Errc::usage:
      return ExitCode::usage;
    case Errc::config:
      return ExitCode::config;
    default:
      return ExitCode::failed;
  }
}

}  // namespace reversi

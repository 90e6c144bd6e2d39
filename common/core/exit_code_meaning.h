#pragma once
// Exit codes in words, for the manual pages, which list every code that has a meaning.

#include <string_view>

#include "common/core/exit_code.h"

namespace reversi {

/// Without a default on purpose, so that the compiler names a code that is missing here; empty for a number that is no
/// exit code.
[[nodiscard]] constexpr std::string_view meaning_of(ExitCode code) {
  switch (code) {
    case ExitCode::done:
      return "Done; of probe, doctor and the client's status: all is well. The server's status is "
             "done whatever it shows, "
             "but for --check.";
    case ExitCode::failed:
      return "Failed, and one line on standard error says why; of probe, doctor, the client's "
             "status and the server's "
             "status --check: all is not well.";
    case ExitCode::usage:
      return "The command line cannot be.";
    case ExitCode::config:
      return "The configuration is invalid or missing, or nothing is running that could be asked.";
    case ExitCode::retry:
      return "Of reversi-worker, for its supervisor: the session ended or never came to be; "
             "another may do better.";
    case ExitCode::refused:
      return "Of reversi-worker, for its supervisor: key or host key refused; a person has to do "
             "something.";
  }
  return {};
}

[[nodiscard]] constexpr bool is_of_worker(ExitCode code) {
  return code == ExitCode::retry || code == ExitCode::refused;
}

}  // namespace reversi

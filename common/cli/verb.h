#pragma once
// A command line is a table of verbs: dispatch, help, completion and manual pages come from it.

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "common/cli/options.h"
#include "common/core/error.h"
#include "common/core/exit_code.h"

namespace reversi {

/// What a verb does once its options are read. An error is printed as one line on stderr, and its
/// code chooses the exit code (exit_code.h).
using Run = std::function<Result<ExitCode>()>;

struct Verb {
  std::string_view name;     ///< "status", or with its group in front: "node add"
  std::string_view summary;  ///< one sentence with its full stop
  /// Adds the verb's options and returns what to run. Option values live in a shared
  /// pointer that the returned function holds:
  ///
  ///     Run stop(Options& add) {
  ///       auto config = std::make_shared<std::string>();
  ///       add.text("--config", *config, "Configuration file.", "FILE");
  ///       return [config] { return stop_supervisor(*config); };
  ///     }
  Run (*options)(Options& add);
  std::string_view example;  ///< one line or several, shown by --help
  bool hidden = false;       ///< not for people: left out of the list
};

struct Program {
  std::string_view name;  ///< "reversi-client"
  std::string_view summary;
  std::span<const Verb> verbs;
};

/// Parses, runs the verb, prints its error. Exit code 2 and one line on stderr for a command line
/// that cannot be; --help goes to stdout with exit code 0.
[[nodiscard]] int run_program(const Program& program, int argc, const char* const* argv);

}  // namespace reversi

#pragma once
// Another program, run to its end with a deadline: what doctors and set-up ask the system with.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/time.h"

namespace reversi {

struct CommandOutput {
  int exit_code = 0;  ///< 128 + N after signal N, as a shell has it
  std::string out;    ///< at most most_bytes; what is more was read and dropped
  std::string err;    ///< the same

  [[nodiscard]] bool is_ok() const { return exit_code == 0; }
  /// The first line of `err`, else of `out`, made printable; or the exit code in words.
  [[nodiscard]] std::string why() const;
};

struct CommandLimits {
  Millis time{10'000};
  std::size_t most_bytes = 64 * 1024;
  /// The end of the input is kept back until the output has this: for a program that ends with it.
  std::string_view until = {};
};

/// Runs `argv` (argv[0] is searched in PATH) without a shell, in a process group of its own, with
/// `input` as its standard input. The whole group is killed at the limit.
/// @errors  not_found   there is no such program
///          permission  it may not be executed
///          timeout     it did not end in time
///          io          no pipe, no process
[[nodiscard]] Result<CommandOutput> run_command(const std::vector<std::string>& argv,
                                                const CommandLimits& limits = {},
                                                std::string_view input = {});

}  // namespace reversi

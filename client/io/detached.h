#pragma once
// A process that outlives us: its own session, no terminal, nothing of our descriptors.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"

namespace reversi::client {

class Detached {
 public:
  /// Starts `command`, the first word being an absolute path, in "/" with the null device as standard input, output
  /// and error.
  /// @errors  io  no process can be made
  [[nodiscard]] static Result<Detached> start(const std::vector<std::string>& command);

  /// Nothing while it runs; 127 if the program could not be started, 128 + signal if one ended it.
  [[nodiscard]] std::optional<int> exit_code();

 private:
  explicit Detached(pid_t pid) : pid_(pid) {}

  pid_t pid_;
  std::optional<int> code_;
};

}  // namespace reversi::client

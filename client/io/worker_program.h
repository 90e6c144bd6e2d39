#pragma once
// How the worker's program is started: a file of its own, or this very program (worker_program_beside.cpp,
// worker_program_self.cpp; docs/adr/0018).

#include <string>
#include <vector>

#include "common/core/error.h"

namespace reversi::client {

/// The words that start it; its own arguments follow.
using WorkerProgram = std::vector<std::string>;

/// @errors  not_found  names every place that was looked at
[[nodiscard]] Result<WorkerProgram> find_worker();

}  // namespace reversi::client

// The one-file build: the worker is a hidden verb of this program, or what $REVERSI_WORKER names.

#include <cstdlib>

#include "client/io/system.h"
#include "client/io/worker_program.h"

namespace reversi::client {

Result<WorkerProgram> find_worker() {
  // First, not last as beside a worker's own file: for who cannot have this file started again,
  // because an emulator or a debugger runs it that the kernel does not know.
  if (const char* named = std::getenv("REVERSI_WORKER")) return WorkerProgram{named};
  auto own = own_program();
  if (!own) return fail(own.error());
  return WorkerProgram{*std::move(own), "worker"};
}

}  // namespace reversi::client

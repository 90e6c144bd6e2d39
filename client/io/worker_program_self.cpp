// The one-file build: the worker is a hidden verb of this program.

#include "client/io/system.h"
#include "client/io/worker_program.h"

namespace reversi::client {

Result<WorkerProgram> find_worker() {
  auto own = own_program();
  if (!own) return fail(own.error());
  return WorkerProgram{*std::move(own), "worker"};
}

}  // namespace reversi::client

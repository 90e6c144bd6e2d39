// The key is made by the worker's executable, so that this program does not map libssh.

#include <unistd.h>

#include <cerrno>

#include "client/cli/verbs.h"
#include "client/io/worker_process.h"
#include "common/io/system_error.h"

namespace reversi::client {

Run keygen_verb(Options& add) {
  auto out = std::make_shared<std::string>("id_ed25519");
  add.text("--out", *out,
           "Where the private key goes, id_ed25519 by default; an existing file is never replaced.",
           "FILE");
  return [out]() -> Result<ExitCode> {
    const auto worker = find_worker();
    if (!worker) return fail(worker.error());
    ::execl(worker->c_str(), "reversi-worker", "keygen", out->c_str(), nullptr);
    return fail(errno_error(errno, *worker));
  };
}

}  // namespace reversi::client

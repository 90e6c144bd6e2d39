// The key is made by the worker's executable, so that this program does not map libssh.

#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "client/cli/verbs.h"
#include "client/io/worker_program.h"
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
    std::vector<std::string> command = *worker;
    command.insert(command.end(), {"keygen", *out});
    std::vector<char*> words;
    for (std::string& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    ::execv(words.front(), words.data());
    return fail(errno_error(errno, command.front()));
  };
}

}  // namespace reversi::client

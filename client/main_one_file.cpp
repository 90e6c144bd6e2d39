// reversi-client and its worker in one file, for routers: `reversi-client worker …` is reversi-worker.

#include <string_view>

#include "client/cli/verbs.h"
#include "client/worker/worker_program.h"

int main(int argc, char** argv) {
  const bool is_worker = argc > 1 && std::string_view(argv[1]) == "worker";
  if (is_worker) return reversi::worker::worker_program(argc - 1, argv + 1);
  return reversi::run_program(reversi::client::client_program(), argc, argv);
}

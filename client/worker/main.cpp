// reversi-worker: `reversi-worker` is the worker, `reversi-worker keygen FILE` makes the node's key, so
// that reversi-client never maps libssh. Not for people: reversi-client starts both.

#include <cstdio>
#include <string_view>

#include "client/worker/worker_main.h"

int main(int argc, char** argv) {
  if (argc == 1) return reversi::worker::worker_main();
  if (argc == 3 && std::string_view(argv[1]) == "keygen") {
    return reversi::worker::keygen_main(argv[2]);
  }
  std::fputs("reversi-worker is started by reversi-client; see reversi-client --help\n", stderr);
  return 2;
}

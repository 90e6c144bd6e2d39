#include "client/worker/worker_program.h"

#include <cstdio>
#include <string_view>

#include "client/worker/enrol_tools.h"
#include "client/worker/examine.h"
#include "client/worker/worker_main.h"

namespace reversi::worker {

int worker_program(int argc, char** argv) {
  if (argc == 1) return worker_main();
  const std::string_view word = argv[1];
  if (argc == 3 && word == "keygen") return keygen_main(argv[2]);
  if (argc == 3 && word == "next-key") return next_key_main(argv[2]);
  if (const int code = run_enrol_tool(argc, argv); code >= 0) return code;
  if (argc >= 3 && word == "examine") {
    const bool starts_agent = argc == 3;
    return examine_main(argv[2], starts_agent);
  }
  std::fputs("reversi-worker is started by reversi-client; see reversi-client --help\n", stderr);
  return 2;
}

}  // namespace reversi::worker

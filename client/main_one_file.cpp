// reversi-client and its worker in one file, for routers: `reversi-client worker …` is reversi-worker.

#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <string_view>

#include "client/cli/verbs.h"
#include "client/worker/worker_program.h"

/// The C++ library's last words name the type of an exception that nobody caught, and bring 90 kB to write it as people do.
/// Without this file's it would take its own; with it the name comes as the compiler spells it (abi::__cxa_demangle).
extern "C" char* __cxa_demangle(const char*, char*, std::size_t*, int* status) {
  constexpr int kNotAValidName = -2;
  if (status != nullptr) *status = kNotAValidName;
  return nullptr;
}

namespace {

/// The C++ library aborts after its last words (ADR 24). The exit code is that of main()'s catch in the other builds, and
/// no core fills a router.
template <reversi::ExitCode code>
void leave(int /*signal*/) {
  ::_exit(static_cast<int>(code));
}

}  // namespace

int main(int argc, char** argv) {
  const bool is_worker = argc > 1 && std::string_view(argv[1]) == "worker";
  std::signal(SIGABRT,
              is_worker ? leave<reversi::ExitCode::retry> : leave<reversi::ExitCode::failed>);
  if (is_worker) return reversi::worker::worker_program(argc - 1, argv + 1);
  return reversi::run_program(reversi::client::client_program(), argc, argv);
}

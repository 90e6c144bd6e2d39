#include "client/worker/worker_main.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include <boost/asio/io_context.hpp>

#include "client/core/libssh_build.h"
#include "client/ssh/keygen.h"
#include "client/ssh/keys.h"
#include "client/worker/worker.h"
#include "common/core/exit_code.h"
#include "common/io/log.h"

namespace reversi::worker {
namespace {

/// RelaySet::kMostRelays channels with a socket each; many systems start with 1024.
void raise_descriptor_limit() {
  constexpr rlim_t kWanted = 4096;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kWanted));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int worker_main() {
  // A supervisor or a target that is gone is an error of that write, not our end.
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  try {
    if (const auto log = start_log({.ident = "reversi-worker"}); !log) return 1;
    const std::string holes = client::known_holes_text(client::libssh_build());
    if (!holes.empty()) log_warning(holes);
    boost::asio::io_context io{1};
    Worker worker(io, UniqueFd{STDIN_FILENO}, UniqueFd{STDOUT_FILENO});
    const auto code = static_cast<int>(worker.run());
    // Destroying the loop would wait for a name that the resolver's thread still looks up.
    std::fflush(nullptr);
    ::_exit(code);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reversi-worker: %s\n", error.what());
    return static_cast<int>(ExitCode::retry);
  }
}

namespace {

int print_key(const Result<std::string>& line) {
  if (!line) {
    std::fprintf(stderr, "%s\n", line.error().line().c_str());
    return static_cast<int>(exit_code_of(line.error().code()));
  }
  std::puts(line->c_str());
  return 0;
}

}  // namespace

int keygen_main(const char* path) {
  return print_key(generate_ed25519(path));
}

int next_key_main(const char* path) {
  const auto made = generate_ed25519(path);
  if (made || made.error().code() != Errc::exists) return print_key(made);
  return print_key(
      load_private_key(path).and_then([](const SshKey& key) { return public_line(key.get()); }));
}

}  // namespace reversi::worker

#include <cstdio>
#include <string>

#include "client/cli/verbs.h"
#include "client/core/buffered.h"
#include "client/core/libssh_build.h"

namespace reversi::client {

Run version_verb(Options& /*add*/) {
  return []() -> Result<ExitCode> {
    std::puts("reversi-client " REVERSI_VERSION);
    std::puts(describe(libssh_build()).c_str());
    std::puts(memory_bound_text(kDefaultBufferedMib).c_str());
    const std::string holes = known_holes_text(libssh_build());
    if (!holes.empty()) std::puts(("WARNING: " + holes).c_str());
    return ExitCode::done;
  };
}

}  // namespace reversi::client

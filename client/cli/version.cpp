#include <cstdio>

#include "client/cli/verbs.h"

namespace reversi::client {

Run version_verb(Options& /*add*/) {
  return []() -> Result<ExitCode> {
    std::puts("reversi-client " REVERSI_VERSION);
    return ExitCode::done;
  };
}

}  // namespace reversi::client

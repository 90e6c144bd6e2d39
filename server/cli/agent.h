#pragma once

#include "common/cli/verb.h"

namespace reversi::server {

/// `reversi-server agent --node NAME --grant NAME=PORT… --state-dir DIR`: the forced command.
[[nodiscard]] Run agent_verb(Options& add);

}  // namespace reversi::server

#pragma once
// The verbs of reversi-client, one file each, and their table.

#include "common/cli/verb.h"

namespace reversi::client {

[[nodiscard]] Run run_verb(CLI::App& app);
[[nodiscard]] Run status_verb(CLI::App& app);
[[nodiscard]] Run check_verb(CLI::App& app);
[[nodiscard]] Run stop_verb(CLI::App& app);
[[nodiscard]] Run reload_verb(CLI::App& app);
[[nodiscard]] Run restart_tunnel_verb(CLI::App& app);
[[nodiscard]] Run keygen_verb(CLI::App& app);
[[nodiscard]] Run version_verb(CLI::App& app);

[[nodiscard]] const Program& client_program();

}  // namespace reversi::client

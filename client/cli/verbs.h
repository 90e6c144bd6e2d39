#pragma once
// The verbs of reversi-client, one file each, and their table.

#include "common/cli/verb.h"

namespace reversi::client {

[[nodiscard]] Run run_verb(Options& add);
[[nodiscard]] Run ensure_verb(Options& add);
[[nodiscard]] Run status_verb(Options& add);
[[nodiscard]] Run check_verb(Options& add);
[[nodiscard]] Run stop_verb(Options& add);
[[nodiscard]] Run reload_verb(Options& add);
[[nodiscard]] Run restart_tunnel_verb(Options& add);
[[nodiscard]] Run doctor_verb(Options& add);
[[nodiscard]] Run import_autossh_verb(Options& add);
[[nodiscard]] Run import_sshtunnel_verb(Options& add);
[[nodiscard]] Run import_reversi_verb(Options& add);
[[nodiscard]] Run keygen_verb(Options& add);
[[nodiscard]] Run enroll_verb(Options& add);
[[nodiscard]] Run version_verb(Options& add);

[[nodiscard]] const Program& client_program();

}  // namespace reversi::client

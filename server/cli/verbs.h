#pragma once

#include "common/cli/verb.h"

namespace reversi::server {

/// reversi-server and all its verbs.
[[nodiscard]] const Program& server_program();

// One a file; each adds its options and returns what to run.
[[nodiscard]] Run setup_verb(CLI::App& app);
[[nodiscard]] Run node_add_verb(CLI::App& app);
[[nodiscard]] Run node_set_verb(CLI::App& app);
[[nodiscard]] Run node_list_verb(CLI::App& app);
[[nodiscard]] Run node_show_verb(CLI::App& app);
[[nodiscard]] Run node_enable_verb(CLI::App& app);
[[nodiscard]] Run node_disable_verb(CLI::App& app);
[[nodiscard]] Run node_remove_verb(CLI::App& app);
[[nodiscard]] Run status_verb(CLI::App& app);
[[nodiscard]] Run events_verb(CLI::App& app);
[[nodiscard]] Run probe_verb(CLI::App& app);
[[nodiscard]] Run evict_verb(CLI::App& app);
[[nodiscard]] Run version_verb(CLI::App& app);

}  // namespace reversi::server

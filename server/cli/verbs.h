#pragma once

#include "common/cli/verb.h"

namespace reversi::server {

/// reversi-server and all its verbs.
[[nodiscard]] const Program& server_program();

// One a file; each adds its options and returns what to run.
[[nodiscard]] Run setup_verb(Options& add);
[[nodiscard]] Run node_add_verb(Options& add);
[[nodiscard]] Run node_approve_verb(Options& add);
[[nodiscard]] Run node_pending_verb(Options& add);
[[nodiscard]] Run node_deny_verb(Options& add);
[[nodiscard]] Run keys_verb(Options& add);
[[nodiscard]] Run node_set_verb(Options& add);
[[nodiscard]] Run node_list_verb(Options& add);
[[nodiscard]] Run node_show_verb(Options& add);
[[nodiscard]] Run node_enable_verb(Options& add);
[[nodiscard]] Run node_disable_verb(Options& add);
[[nodiscard]] Run node_remove_verb(Options& add);
[[nodiscard]] Run node_rotate_key_verb(Options& add);
[[nodiscard]] Run node_bundle_verb(Options& add);
[[nodiscard]] Run status_verb(Options& add);
[[nodiscard]] Run events_verb(Options& add);
[[nodiscard]] Run probe_verb(Options& add);
[[nodiscard]] Run evict_verb(Options& add);
[[nodiscard]] Run doctor_verb(Options& add);
[[nodiscard]] Run ssh_config_verb(Options& add);
[[nodiscard]] Run version_verb(Options& add);

}  // namespace reversi::server

#pragma once
// What a reload from one configuration to another means for the session that there is.

#include <string>
#include <vector>

#include "client/core/client_config.h"

namespace reversi::client {

/// True if going from `before` to `after` needs a new session; targets, expects and log do not.
[[nodiscard]] bool needs_new_session(const ClientConfig& before, const ClientConfig& after);

/// The keys that changed but were told to the agent or the worker when the session began; without an
/// agent most are asked for each time.
[[nodiscard]] std::vector<std::string> keys_of_next_session(const ClientConfig& before,
                                                            const ClientConfig& after);

}  // namespace reversi::client

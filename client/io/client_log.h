#pragma once

#include "client/core/client_config.h"
#include "common/core/error.h"

namespace reversi::client {

/// The log as the configuration wants it.
/// @errors  config  unknown level;  permission, io  the file cannot be opened
[[nodiscard]] Result<void> start_log_of(const ClientConfig& config);

}  // namespace reversi::client

#pragma once

#include <memory>
#include <string>

#include "common/cli/verb.h"

namespace reversi::client {

/// Adds `--config FILE`. The value is filled by the parser, with the default where it is not given.
[[nodiscard]] std::shared_ptr<std::string> add_config_option(Options& add);

}  // namespace reversi::client

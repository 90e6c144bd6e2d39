#pragma once

#include <string>
#include <vector>

namespace reversi::client {

/// Every key that parse_client_config reads, in its tables' order: "servers[].host". For the manual page.
[[nodiscard]] std::vector<std::string> client_config_keys();

}  // namespace reversi::client

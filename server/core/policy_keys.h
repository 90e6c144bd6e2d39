#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace reversi::server {

/// A key of server.json as policy_from_json reads it. For the manual page.
struct PolicyKey {
  std::string_view name;
  std::string_view type;   ///< "milliseconds", "number", "port", or "other": the caller knows
  std::int64_t least = 0;  ///< these three of numbers only
  std::int64_t most = 0;
  std::int64_t fallback = 0;
};
[[nodiscard]] std::vector<PolicyKey> policy_keys();

}  // namespace reversi::server

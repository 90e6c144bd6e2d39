#pragma once
// The parts of a page that come from tables of the code.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/cli/verb.h"

namespace reversi::manual {

/// The synopsis: one line a verb.
[[nodiscard]] std::string synopsis(const Program& program);
/// One subsection a verb: its options, what it does, its examples. Hidden verbs are left out.
[[nodiscard]] std::string verbs(const Program& program);

/// One key of a configuration file.
struct ConfigKey {
  std::string path;        ///< "servers[].port"
  std::string type;        ///< "text", "number", "milliseconds" …
  std::string fallback{};  ///< the default as JSON; empty = none, the meaning says what holds then
  std::string meaning{};   ///< one or several sentences
  bool required = false;
  std::int64_t least = 0;  ///< bounds, where most > least
  std::int64_t most = 0;
};
[[nodiscard]] std::string config_keys(std::span<const ConfigKey> keys);

/// What the keys of the page lack that the parser reads, and what the parser does not know; one line
/// each, in no line = they agree.
[[nodiscard]] std::vector<std::string> differences(std::span<const ConfigKey> keys,
                                                   std::vector<std::string> parsed);

/// Every exit code; those of the worker are for reversi-client's page only.
[[nodiscard]] std::string exit_codes(bool with_worker);

}  // namespace reversi::manual

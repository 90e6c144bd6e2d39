#pragma once
// The options of a verb as values, for what is generated from the table of verbs: manual pages and
// completion.

#include <string>
#include <string_view>
#include <vector>

#include "common/cli/verb.h"

namespace reversi {

struct OptionRow {
  std::string name;   ///< "--config", or of a positional argument "NODE"
  std::string value;  ///< "FILE"; "linux|openwrt|macos"; empty for a flag
  std::string help;   ///< one or several sentences
  bool positional = false;
  bool required = false;
  bool repeated = false;           ///< may be given several times
  std::vector<std::string> never;  ///< options that it cannot be given with
};

/// In the order in which the verb adds them; --help, which every verb has, is left out.
[[nodiscard]] std::vector<OptionRow> options_of(const Verb& verb);

/// Completion takes the kind of a value from its spelling: "FILE" and "DIR" are paths, "NODE" is a
/// node's name, and a word of lower-case letters between bars is one of those that can be given.
[[nodiscard]] std::vector<std::string> words_of(std::string_view value);

}  // namespace reversi

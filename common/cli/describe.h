#pragma once
// The table of verbs as values, for what is generated from it: help, manual pages and completion.

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

/// A first word: a verb, or a group with its verbs.
struct FirstWord {
  std::string name;
  std::string summary;
  std::vector<const Verb*> verbs;  ///< one, whose name is `name`, or those of the group
  [[nodiscard]] bool is_group() const { return verbs.size() != 1 || verbs[0]->name != name; }
};
/// Without the hidden verbs.
[[nodiscard]] std::vector<FirstWord> first_words(const Program& program);

/// "node add" → "add".
[[nodiscard]] std::string last_word(std::string_view verb);

}  // namespace reversi

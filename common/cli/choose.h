#pragma once
// Which verb a command line names.

#include <span>
#include <string>

#include "common/cli/verb.h"

namespace reversi {

struct Chosen {
  std::string name;                   ///< as far as it was named: "", "node", "node add"
  const Verb* verb = nullptr;         ///< none yet: for --help, or with a mistake
  bool wants_help = false;            ///< of what `name` is
  std::string mistake;                ///< empty, or why there is no verb
  std::span<const std::string> rest;  ///< the words after the verb
};

/// --help may stand before a verb, and counts more than a mistake. No other option does.
/// @param words  Those after the program's name; `rest` is a part of them.
[[nodiscard]] Chosen choose_verb(const Program& program, std::span<const std::string> words);

}  // namespace reversi

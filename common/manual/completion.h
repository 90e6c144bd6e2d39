#pragma once
// Completion scripts: what may follow, from the table of verbs and from the spelling of their values.

#include <string>

#include "common/cli/verb.h"

namespace reversi::manual {

/// For bash, 3.2 and later, with or without the package bash-completion.
[[nodiscard]] std::string bash_completion(const Program& program);

/// For zsh: a file of $fpath by the name of `_PROGRAM`.
[[nodiscard]] std::string zsh_completion(const Program& program);

}  // namespace reversi::manual

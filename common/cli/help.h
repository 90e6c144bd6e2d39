#pragma once
// What --help prints, made from the table of verbs and of their options.

#include <string>
#include <string_view>

#include "common/cli/verb.h"

namespace reversi {

/// For the whole program, for a group such as "node", or for a verb; empty if there is none.
[[nodiscard]] std::string help_text(const Program& program, std::string_view name = {});

}  // namespace reversi

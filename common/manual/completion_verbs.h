#pragma once
// The verbs as completion sees them: in groups, with what kind of word each value is.

#include <string>
#include <string_view>
#include <vector>

#include "common/cli/describe.h"

namespace reversi::manual {

enum class Kind { nothing, file, directory, node, fingerprint, words };

struct Value {
  Kind kind = Kind::nothing;
  std::string words;  ///< of Kind::words, with blanks between
};
[[nodiscard]] Value value_of(const OptionRow& option);

/// A name that a shell takes for a function: "reversi-client" → "reversi_client".
[[nodiscard]] std::string function_name(std::string_view name);

}  // namespace reversi::manual

#pragma once
// The options of one verb as rows: parsed by parse.h, shown by help.h and describe.h.

#include <string>
#include <variant>
#include <vector>

namespace reversi {

struct Option {
  /// Where the value goes, and thereby how many there are: none, one, or several.
  using Target = std::variant<bool*, std::string*, std::vector<std::string>*>;

  std::string name;  ///< "--config", or of a positional argument "NODE"
  std::string type;  ///< "FILE"; may be empty
  std::string help;
  Target target;
  bool is_required = false;
  std::vector<std::string> excludes;  ///< names of options that it cannot be given with

  [[nodiscard]] bool is_positional() const { return !name.starts_with('-'); }
  [[nodiscard]] bool is_flag() const { return std::holds_alternative<bool*>(target); }
  /// Several values: of an option one each time, of a positional argument all words that are left.
  [[nodiscard]] bool is_repeated() const {
    return std::holds_alternative<std::vector<std::string>*>(target);
  }
};

/// In the order in which the verb adds them, which is that of the positional arguments, too.
using OptionTable = std::vector<Option>;

}  // namespace reversi

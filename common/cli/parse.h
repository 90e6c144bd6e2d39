#pragma once
// The words of a command line, read against the options of its verb. As users of GNU's getopt know
// it: `--name value`, `--name=value`, options and arguments in any order, `--` ends the options. No
// option has a short name but -h, and none can be abbreviated.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/cli/option_table.h"
#include "common/core/error.h"

namespace reversi {

/// What the words give to each row.
struct Given {
  bool wants_help = false;                       ///< then nothing else counts
  std::vector<std::vector<std::string>> values;  ///< of each row; of a flag "" for each time
};

/// The word after an option is its value, whatever it looks like. Elsewhere "-" and what begins
/// like a negative number are arguments. --help counts more than any mistake.
/// @param words  Those after the verb.
/// @errors  usage  the first word that cannot be, else the first row that is missing
[[nodiscard]] Result<Given> parse_options(const OptionTable& table,
                                          std::span<const std::string> words);

/// Writes what was given. The other values keep their defaults.
void store(const OptionTable& table, const Given& given);

/// -h or --help.
[[nodiscard]] bool is_help(std::string_view word);
/// A word that is an option where an option can be.
[[nodiscard]] bool looks_like_option(std::string_view word);

}  // namespace reversi

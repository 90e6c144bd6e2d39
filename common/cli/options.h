#pragma once
// How a verb says what its options are: each call adds one row to a table.

#include <string>
#include <vector>

#include "common/cli/option_table.h"

namespace reversi {

enum class Need { optional, required };

/// A value is written when the command line is parsed: it must live until then, and what it holds
/// before is the default. A name without dashes is a positional argument.
class Options {
 public:
  explicit Options(OptionTable& table) : table_(table) {}

  /// @param type  What --help shows for the value: "FILE".
  void text(const std::string& name, std::string& value, const std::string& help,
            const std::string& type = "", Need need = Need::optional);
  /// May be given several times, one value each.
  void list(const std::string& name, std::vector<std::string>& values, const std::string& help,
            const std::string& type, Need need = Need::optional);
  /// A positional argument that takes every word that is left; after `--` such with dashes, too.
  void words(const std::string& name, std::vector<std::string>& values, const std::string& help);
  void flag(const std::string& name, bool& value, const std::string& help,
            Need need = Need::optional);
  /// These two, added before, cannot be given together.
  void exclude(const std::string& one, const std::string& other);

 private:
  OptionTable& table_;
};

}  // namespace reversi

#include "common/cli/describe.h"

#include <algorithm>

#include <CLI/CLI.hpp>

namespace reversi {
namespace {

OptionRow describe(const CLI::Option& option) {
  OptionRow row;
  row.positional = option.get_positional();
  row.name = option.get_name();
  row.help = option.get_description();
  row.required = option.get_required();
  row.repeated = option.get_expected_max() > 1;
  if (option.get_type_size() != 0) row.value = option.get_type_name();
  // What CLI11 calls the value where the verb does not: the name of a positional says more.
  if (row.positional && row.value == "TEXT") row.value = row.name;
  for (const CLI::Option* other : option.get_excludes()) row.never.push_back(other->get_name());
  return row;
}

}  // namespace

std::vector<OptionRow> options_of(const Verb& verb) {
  CLI::App app;
  Options add(app);
  const Run run = verb.options(add);
  std::vector<OptionRow> rows;
  for (const CLI::Option* option : app.get_options()) {
    if (option != app.get_help_ptr()) rows.push_back(describe(*option));
  }
  return rows;
}

std::vector<std::string> words_of(std::string_view value) {
  std::vector<std::string> words;
  while (!value.empty()) {
    const auto bar = std::min(value.find('|'), value.size());
    const std::string_view word = value.substr(0, bar);
    const bool literal = !word.empty() && std::ranges::all_of(word, [](char c) {
      return (c >= 'a' && c <= 'z') || c == '_' || c == '-';
    });
    if (literal) words.emplace_back(word);
    value.remove_prefix(std::min(bar + 1, value.size()));
  }
  return words;
}

}  // namespace reversi

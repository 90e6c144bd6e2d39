#include "common/cli/describe.h"

#include <algorithm>

namespace reversi {
namespace {

OptionRow describe(const Option& option) {
  OptionRow row;
  row.name = option.name;
  row.value = option.type;
  // Where the verb does not say what the value is, the name of a positional does.
  if (row.value.empty() && option.is_positional()) row.value = option.name;
  row.help = option.help;
  row.positional = option.is_positional();
  row.required = option.is_required;
  row.repeated = option.is_repeated();
  row.never = option.excludes;
  return row;
}

}  // namespace

std::vector<OptionRow> options_of(const Verb& verb) {
  OptionTable table;
  Options add(table);
  const Run run = verb.options(add);
  std::vector<OptionRow> rows;
  for (const Option& option : table) rows.push_back(describe(option));
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

std::vector<FirstWord> first_words(const Program& program) {
  std::vector<FirstWord> words;
  for (const Verb& verb : program.verbs) {
    if (verb.hidden) continue;
    const auto blank = verb.name.find(' ');
    const std::string first(verb.name.substr(0, blank));
    auto word = std::ranges::find(words, first, &FirstWord::name);
    if (word == words.end()) word = words.insert(words.end(), FirstWord{first, {}, {}});
    word->verbs.push_back(&verb);
    word->summary += blank == std::string_view::npos ? std::string(verb.summary)
                     : word->summary.empty()         ? last_word(verb.name)
                                                     : " | " + last_word(verb.name);
  }
  return words;
}

std::string last_word(std::string_view verb) {
  return std::string(verb.substr(verb.rfind(' ') + 1));
}

}  // namespace reversi

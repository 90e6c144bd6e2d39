#include "common/manual/completion_verbs.h"

#include <algorithm>

namespace reversi::manual {

Value value_of(const OptionRow& option) {
  if (const auto words = words_of(option.value); words.size() > 1) {
    Value value{Kind::words, {}};
    for (const std::string& word : words) value.words += (value.words.empty() ? "" : " ") + word;
    return value;
  }
  if (option.value.starts_with("FILE") || option.value == "ARGS") return {Kind::file, {}};
  if (option.value == "DIR") return {Kind::directory, {}};
  if (option.value == "NODE") return {Kind::node, {}};
  if (option.value == "FINGERPRINT") return {Kind::fingerprint, {}};
  return {};
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

std::string function_name(std::string_view name) {
  std::string text(name);
  std::ranges::replace_if(
      text, [](char c) { return c == '-' || c == ' '; }, '_');
  return text;
}

}  // namespace reversi::manual

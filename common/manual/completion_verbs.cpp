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

std::string function_name(std::string_view name) {
  std::string text(name);
  std::ranges::replace_if(
      text, [](char c) { return c == '-' || c == ' '; }, '_');
  return text;
}

}  // namespace reversi::manual

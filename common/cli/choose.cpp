#include "common/cli/choose.h"

#include <algorithm>

#include "common/cli/describe.h"
#include "common/cli/parse.h"
#include "common/core/nearest.h"

namespace reversi {
namespace {

const Verb* find_verb(const Program& program, std::string_view name) {
  const auto found = std::ranges::find(program.verbs, name, &Verb::name);
  return found == program.verbs.end() ? nullptr : &*found;
}

bool is_group(const Program& program, const std::string& name) {
  return std::ranges::any_of(program.verbs,
                             [&](const Verb& verb) { return verb.name.starts_with(name + ' '); });
}

/// What can follow `group`, or be the first word.
std::vector<std::string> verbs_of(const Program& program, const std::string& group) {
  std::vector<std::string> names;
  for (const FirstWord& word : first_words(program)) {
    if (group.empty()) names.push_back(word.name);
    if (word.name != group) continue;
    for (const Verb* verb : word.verbs) names.push_back(last_word(verb->name));
  }
  return names;
}

std::string unknown(const Program& program, const std::string& group, std::string_view word) {
  const std::vector<std::string> names = verbs_of(program, group);
  const std::vector<std::string_view> known(names.begin(), names.end());
  if (!looks_like_option(word)) {
    return "unknown verb \"" + std::string(word) + "\"" + did_you_mean(word, known);
  }
  // --version
  const auto bare = word.substr(std::min(word.find_first_not_of('-'), word.size()));
  const std::string hint = did_you_mean(bare, known);
  return "unknown option " + std::string(word) +
         (hint.empty() ? "; options come after the verb" : hint);
}

/// Before a `--`, after which it would be an argument.
bool asks_for_help(std::span<const std::string> words) {
  return std::any_of(words.begin(), std::ranges::find(words, "--"), is_help);
}

}  // namespace

Chosen choose_verb(const Program& program, std::span<const std::string> words) {
  Chosen chosen{.rest = words};
  for (; chosen.verb == nullptr && !chosen.rest.empty(); chosen.rest = chosen.rest.subspan(1)) {
    const std::string& word = chosen.rest.front();
    if (is_help(word)) {
      chosen.wants_help = true;
      continue;
    }
    const std::string name = chosen.name.empty() ? word : chosen.name + ' ' + word;
    const bool is_word = word.find(' ') == std::string::npos;
    chosen.verb = is_word ? find_verb(program, name) : nullptr;
    if (chosen.verb == nullptr && !(is_word && chosen.name.empty() && is_group(program, name))) {
      chosen.wants_help = chosen.wants_help || asks_for_help(chosen.rest);
      chosen.mistake = unknown(program, chosen.name, word);
      return chosen;
    }
    chosen.name = name;
  }
  if (chosen.verb == nullptr && !chosen.wants_help) chosen.mistake = "a verb is missing";
  return chosen;
}

}  // namespace reversi

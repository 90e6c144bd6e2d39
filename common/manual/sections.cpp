#include "common/manual/sections.h"

#include <algorithm>

#include "common/cli/describe.h"
#include "common/core/exit_code_meaning.h"
#include "common/manual/mdoc.h"

namespace reversi::manual {
namespace {

constexpr int kMostExitCode = 255;

std::string value_of(const OptionRow& option) {
  return option.value.empty() ? "" : " Ar " + argument(option.value);
}

/// "Fl -config Ar FILE", or "Ar NODE": one line of macros without its dot.
std::string call_of(const OptionRow& option) {
  const std::string more = option.repeated ? " ..." : "";
  if (option.positional) return "Ar " + argument(option.name) + more;
  return "Fl " + argument(option.name.substr(1)) + value_of(option) + more;
}

std::string usage(const Program& program, const Verb& verb) {
  std::string text = ".Nm " + std::string(program.name) + "\n.Cm " + typed(verb.name) + '\n';
  for (const OptionRow& option : options_of(verb)) {
    text += (option.required ? "." : ".Op ") + call_of(option) + '\n';
  }
  return text;
}

std::string option_list(const std::vector<OptionRow>& options) {
  if (options.empty()) return {};
  std::string text = ".Bl -tag -width Ds\n";
  for (const OptionRow& option : options) {
    text += ".It " + call_of(option) + '\n' + prose(option.help) + '\n';
    for (const std::string& other : option.never) {
      text += "Not together with\n.Fl " + argument(other.substr(1)) + " .\n";
    }
  }
  return text + ".El\n";
}

std::string with_commas(std::int64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string kind_of(const ConfigKey& key) {
  std::string text = key.type;
  if (key.most > key.least) {
    text += ", " + with_commas(key.least) + " to " + with_commas(key.most);
  }
  if (key.required) text += "; required";
  if (!key.fallback.empty()) text += "; default " + key.fallback;
  return text;
}

}  // namespace

std::string synopsis(const Program& program) {
  std::string text;
  for (const Verb& verb : program.verbs) {
    if (!verb.hidden) text += usage(program, verb);
  }
  return text;
}

std::string verbs(const Program& program) {
  std::string text;
  for (const Verb& verb : program.verbs) {
    if (verb.hidden) continue;
    text += ".Ss " + typed(verb.name) + '\n' + prose(verb.summary) + '\n';
    text += option_list(options_of(verb));
    if (!verb.example.empty()) text += literal_block(verb.example);
  }
  return text;
}

std::string config_keys(std::span<const ConfigKey> keys) {
  std::string text = ".Bl -tag -width Ds\n";
  for (const ConfigKey& key : keys) {
    text += ".It Ic " + argument(key.path) + '\n';
    text += prose('(' + kind_of(key) + ")\n" + key.meaning) + '\n';
  }
  return text + ".El\n";
}

std::vector<std::string> differences(std::span<const ConfigKey> keys,
                                     std::vector<std::string> parsed) {
  std::vector<std::string> lines;
  for (const ConfigKey& key : keys) {
    if (std::erase(parsed, key.path) == 0)
      lines.push_back(key.path + ": the parser knows no such key");
  }
  for (const std::string& key : parsed)
    lines.push_back(key + ": parsed, and not on the manual page");
  return lines;
}

std::string exit_codes(bool with_worker) {
  std::string text = ".Bl -tag -width Ds\n";
  for (int code = 0; code <= kMostExitCode; ++code) {
    const auto exit = static_cast<ExitCode>(code);
    const std::string_view meaning = meaning_of(exit);
    if (meaning.empty() || (is_of_worker(exit) && !with_worker)) continue;
    text += ".It " + std::to_string(code) + '\n' + prose(meaning) + '\n';
  }
  return text + ".El\n";
}

}  // namespace reversi::manual

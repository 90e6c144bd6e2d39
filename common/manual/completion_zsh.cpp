#include "common/manual/completion.h"
#include "common/manual/completion_verbs.h"

namespace reversi::manual {
namespace {

/// Inside single quotes of the shell.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// Text of a specification: brackets, colons and backslashes have a meaning there.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string action(const std::string& function, const OptionRow& option) {
  const Value value = value_of(option);
  switch (value.kind) {
    case Kind::file:
      return "_files";
    case Kind::directory:
      return "_files -/";
    case Kind::node:
      return function + "_nodes";
    case Kind::fingerprint:
      return function + "_fingerprints";
    case Kind::words:
      return "(" + value.words + ")";
    case Kind::nothing:
      break;
  }
  return " ";
}

std::string specification(const std::string& function, const OptionRow& option, int position) {
  const std::string takes = ":" + plain(option.value) + ":" + action(function, option);
  if (option.positional) {
    return (option.repeated ? "*" : std::to_string(position) + (option.required ? "" : ":")) +
           takes;
  }
  std::string never;
  for (const std::string& other : option.never) never += (never.empty() ? "" : " ") + other;
  const std::string times = option.repeated ? "*" : never.empty() ? "" : "(" + never + ")";
  const std::string equals = option.value.empty() ? "" : "=";
  return times + option.name + equals + "[" + plain(option.help) + "]" +
         (option.value.empty() ? "" : takes);
}

std::string arguments(const std::string& function, const Verb& verb) {
  std::string text = "_arguments '(- *)'{-h,--help}'[Print help]'";
  int position = 1;
  for (const OptionRow& option : options_of(verb)) {
    text += " \\\n        " + quoted(specification(function, option, position));
    if (option.positional) ++position;
  }
  return text;
}

/// A function that offers `rows` ("name:summary") for its first word and goes on with `cases`.
std::string chooser(const std::string& name, const std::string& rows, const std::string& cases) {
  return name +
         "() {\n  local curcontext=$curcontext state line\n  local -a verbs\n  typeset -A "
         "opt_args\n" +
         "  verbs=(\n" + rows + "  )\n" +
         "  _arguments -C '(- *)'{-h,--help}'[Print help]' '1:verb:->verb' "
         "'*::argument:->argument'\n" +
         "  case $state in\n    verb) _describe verb verbs ;;\n    argument)\n      case $words[1] "
         "in\n" +
         cases + "      esac\n      ;;\n  esac\n}\n\n";
}

std::string summary_row(const std::string& name, const std::string& summary) {
  return "    " + quoted(plain(name) + ":" + plain(summary)) + "\n";
}

std::string one_case(const std::string& name, const std::string& body) {
  return "      " + name + ") " + body + " ;;\n";
}

std::string asker(const std::string& function, const std::string& kind, const std::string& call) {
  return function + "_" + kind + "() {\n  local -a names\n" + "  names=(${${(f)\"$(_call_program " +
         kind + " " + call + " 2>/dev/null)\"}%% *})\n" +
         "  names=(${names:#no})\n  compadd -a names\n}\n\n";
}

}  // namespace

std::string zsh_completion(const Program& program) {
  const std::string name(program.name);
  const std::string function = "_" + function_name(name);
  std::string text = "#compdef " + name + "\n# Completion of " + name +
                     " for zsh, generated from its table of verbs.\n\n";
  std::string rows;
  std::string cases;
  bool has_nodes = false;
  for (const FirstWord& word : first_words(program)) {
    rows += summary_row(word.name, word.summary);
    if (!word.is_group()) {
      cases += one_case(word.name, arguments(function, *word.verbs[0]));
      continue;
    }
    std::string group_rows;
    std::string group_cases;
    for (const Verb* verb : word.verbs) {
      group_rows += summary_row(last_word(verb->name), std::string(verb->summary));
      group_cases += one_case(last_word(verb->name), arguments(function, *verb));
    }
    const std::string group = function + "_" + function_name(word.name);
    text += chooser(group, group_rows, group_cases);
    cases += one_case(word.name, group);
    has_nodes = has_nodes || word.name == "node";
  }
  if (has_nodes) {
    text += asker(function, "nodes", name + " node list");
    text += asker(function, "fingerprints", name + " node pending");
  }
  return text + chooser(function, rows, cases) + function + " \"$@\"\n";
}

}  // namespace reversi::manual

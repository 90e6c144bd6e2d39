#include "common/cli/help.h"

#include <algorithm>

#include "common/cli/describe.h"

namespace reversi {
namespace {

constexpr std::size_t kHelpColumn = 34;

std::string row(const std::string& left, const std::string& right) {
  std::string text = "  " + left;
  if (text.size() >= kHelpColumn) {
    text += '\n' + std::string(kHelpColumn, ' ');
  } else {
    text.resize(kHelpColumn, ' ');
  }
  return text + right + '\n';
}

std::string row(const Option& option) {
  std::string left = option.name;
  if (!option.is_flag()) left += ' ' + (option.type.empty() ? "TEXT" : option.type);
  if (option.is_repeated()) left += " ...";
  if (option.is_required) left += " REQUIRED";
  if (!option.excludes.empty()) left += " Excludes:";
  for (const std::string& other : option.excludes) left += ' ' + other;
  return row(left, option.help);
}

std::string usage(const Option& argument) {
  const std::string name = argument.name + (argument.is_repeated() ? "..." : "");
  return argument.is_required ? ' ' + name : " [" + name + ']';
}

std::string examples(std::string_view lines) {
  if (lines.empty()) return {};
  std::string text = lines.find('\n') == std::string_view::npos ? "Example:\n  " : "Examples:\n  ";
  for (const char c : lines) {
    text += c;
    if (c == '\n') text += "  ";
  }
  return text + '\n';
}

/// @param usage  What follows the name; each section begins with an empty line.
std::string page(std::string_view summary, const std::string& name, const std::string& usage,
                 const std::string& arguments, const std::string& options, const std::string& verbs,
                 const std::string& end) {
  std::string text = std::string(summary) + "\nUsage: " + name + " [OPTIONS]" + usage + '\n';
  if (!arguments.empty()) text += "\nPositionals:\n" + arguments;
  text += "\nOptions:\n" + row("-h,--help", "Print this help message and exit") + options;
  if (!verbs.empty()) text += "\nSubcommands:\n" + verbs;
  return text + '\n' + end;
}

std::string verb_help(const Verb& verb, const std::string& name) {
  OptionTable table;
  Options add(table);
  const Run run = verb.options(add);
  std::string line;
  std::string arguments;
  std::string options;
  for (const Option& option : table) {
    if (option.is_positional()) line += usage(option);
    (option.is_positional() ? arguments : options) += row(option);
  }
  return page(verb.summary, name, line, arguments, options, {}, examples(verb.example));
}

std::string list_help(std::string_view summary, const std::string& name, const std::string& verbs) {
  return page(summary, name, " SUBCOMMAND", {}, {}, verbs, {});
}

}  // namespace

std::string help_text(const Program& program, std::string_view name) {
  const std::string full =
      std::string(program.name) + (name.empty() ? "" : " ") + std::string(name);
  const auto verb = std::ranges::find(program.verbs, name, &Verb::name);
  if (verb != program.verbs.end()) return verb_help(*verb, full);
  std::string verbs;
  for (const FirstWord& word : first_words(program)) {
    if (name.empty()) verbs += row(word.name, word.summary);
    if (name.empty() || word.name != name) continue;
    for (const Verb* one : word.verbs)
      verbs += row(last_word(one->name), std::string(one->summary));
    return list_help(word.summary, full, verbs);
  }
  return name.empty() ? list_help(program.summary, full, verbs) : std::string{};
}

}  // namespace reversi

#include "common/cli/verb.h"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/core/nearest.h"

namespace reversi {
namespace {

/// The parsed tree and, for each verb, what it would run.
struct CommandLine {
  std::unique_ptr<CLI::App> app;
  std::vector<std::pair<const CLI::App*, Run>> runs;
};

/// The verb or group of this name directly below `app`, or nullptr.
CLI::App* child(CLI::App& app, std::string_view name) {
  const auto found =
      app.get_subcommands([&](const CLI::App* it) { return it->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

/// "node add": the group "node" is made when its first verb comes.
CLI::App& add_verb(CLI::App& root, const Verb& verb) {
  CLI::App* parent = &root;
  std::string_view name = verb.name;
  if (const auto space = name.find(' '); space != std::string_view::npos) {
    const std::string group(name.substr(0, space));
    name.remove_prefix(space + 1);
    parent = child(root, group);
    if (parent == nullptr) {
      parent = root.add_subcommand(group);
      parent->require_subcommand(1);
    }
    const std::string others =
        parent->get_description().empty() ? "" : parent->get_description() + " | ";
    parent->description(others + std::string(name));
  }
  CLI::App* app = parent->add_subcommand(std::string(name), std::string(verb.summary));
  if (verb.hidden) app->group("");
  return *app;
}

std::string indented(std::string_view lines) {
  std::string text = "  ";
  for (const char c : lines) {
    text += c;
    if (c == '\n') text += "  ";
  }
  return text;
}

CommandLine build(const Program& program) {
  CommandLine line{
      std::make_unique<CLI::App>(std::string(program.summary), std::string(program.name)), {}};
  line.app->require_subcommand(1);
  line.app->get_formatter()->column_width(34);
  for (const Verb& verb : program.verbs) {
    CLI::App& app = add_verb(*line.app, verb);
    if (!verb.example.empty()) {
      app.footer(
          (verb.example.find('\n') == std::string_view::npos ? "Example:\n" : "Examples:\n") +
          indented(verb.example));
    }
    Options add(app);
    line.runs.emplace_back(&app, verb.options(add));
  }
  return line;
}

/// The deepest verb that was named: errors and hints speak of it.
const CLI::App* chosen(const CLI::App& app) {
  const auto named = app.get_subcommands();
  return named.empty() ? &app : chosen(*named.front());
}

std::string full_name(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : full_name(*parent) + " " + app.get_name();
}

int complain(const std::string& who, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", who.c_str(), printable(what, 2000).c_str());
  return static_cast<int>(ExitCode::usage);
}

/// CLI11 names every word it could not place; an unknown verb deserves a better sentence.
int usage_error(const CLI::App& root, const CLI::ParseError& error,
                const std::vector<std::string>& words) {
  const CLI::App* at = chosen(root);
  const std::string who = full_name(*at);
  const auto verbs =
      at->get_subcommands([](const CLI::App* app) { return !app->get_group().empty(); });
  const std::string hint = "; see `" + who + " --help`";
  if (verbs.empty()) return complain(who, error.what() + hint);
  std::vector<std::string_view> known;
  for (const CLI::App* verb : verbs) known.push_back(verb->get_name());
  std::string_view word;
  for (const std::string& candidate : words) {
    const bool is_verb = at->get_name() == candidate;
    if (!is_verb && !candidate.starts_with('-')) word = candidate;
    if (!word.empty()) break;
  }
  if (word.empty())
    return complain(who, (words.empty() ? "a verb is missing" : error.what()) + hint);
  return complain(who,
                  "unknown verb \"" + std::string(word) + "\"" + did_you_mean(word, known) + hint);
}

/// False on a full disk, or for a reader that went away. Whoever closed it before us wants nothing.
bool has_written_all() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  return errno == EBADF;
}

int perform(const CommandLine& line) {
  const CLI::App* verb = chosen(*line.app);
  for (const auto& [app, run] : line.runs) {
    if (app != verb) continue;
    const auto code = run();
    if (code == ExitCode::done && !has_written_all()) {
      std::fprintf(stderr, "%s: standard output: not everything could be written\n",
                   line.app->get_name().c_str());
      return static_cast<int>(ExitCode::failed);
    }
    if (code) return static_cast<int>(*code);
    std::fprintf(stderr, "%s: %s\n", line.app->get_name().c_str(), code.error().line().c_str());
    return static_cast<int>(exit_code_of(code.error().code()));
  }
  return static_cast<int>(ExitCode::usage);
}

}  // namespace

int run_program(const Program& program, int argc, const char* const* argv) {
  const CommandLine line = build(program);
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  try {
    line.app->parse(argc, argv);
  } catch (const CLI::Success& help) {
    return line.app->exit(help);
  } catch (const CLI::ParseError& error) {
    return usage_error(*line.app, error, words);
  }
  try {
    return perform(line);
  } catch (const std::exception& error) {
    // A broken invariant, or no memory: still one line, never a core dump on somebody's router.
    std::fprintf(stderr, "%s: %s\n", line.app->get_name().c_str(),
                 printable(error.what(), 1000).c_str());
    return static_cast<int>(ExitCode::failed);
  }
}

std::string help_text(const Program& program, std::string_view verb) {
  const CommandLine line = build(program);
  if (verb.empty()) return line.app->help();
  CLI::App* at = line.app.get();
  std::string_view rest = verb;
  while (!rest.empty()) {
    const auto space = rest.find(' ');
    at = child(*at, rest.substr(0, space));
    if (at == nullptr) return {};
    rest = space == std::string_view::npos ? std::string_view{} : rest.substr(space + 1);
  }
  return at->help(full_name(*at->get_parent()));
}

}  // namespace reversi

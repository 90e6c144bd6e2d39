#include "common/cli/verb.h"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <vector>

#include "common/cli/choose.h"
#include "common/cli/help.h"
#include "common/cli/parse.h"

namespace reversi {
namespace {

int complain(const std::string& who, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", who.c_str(), printable(what, 2000).c_str());
  return static_cast<int>(ExitCode::failed);
}

int usage_error(const std::string& who, const std::string& what) {
  complain(who, printable(what, 1000) + "; see `" + who + " --help`");
  return static_cast<int>(ExitCode::usage);
}

/// False on a full disk, or for a reader that went away. Whoever closed it before us wants nothing.
bool has_written_all() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  return errno == EBADF;
}

int finish(const Program& program, const Result<ExitCode>& code) {
  const std::string who(program.name);
  if (code == ExitCode::done && !has_written_all()) {
    return complain(who, "standard output: not everything could be written");
  }
  if (code) return static_cast<int>(*code);
  complain(who, code.error().line());
  return static_cast<int>(exit_code_of(code.error().code()));
}

int show_help(const Program& program, const std::string& name) {
  std::fputs(help_text(program, name).c_str(), stdout);
  return finish(program, ExitCode::done);
}

int run_words(const Program& program, const std::vector<std::string>& words) {
  const Chosen chosen = choose_verb(program, words);
  if (chosen.wants_help) return show_help(program, chosen.name);
  const std::string who =
      std::string(program.name) + (chosen.name.empty() ? "" : " ") + chosen.name;
  if (chosen.verb == nullptr) return usage_error(who, chosen.mistake);
  OptionTable table;
  Options add(table);
  const Run run = chosen.verb->options(add);
  const auto given = parse_options(table, chosen.rest);
  if (!given) return usage_error(who, given.error().line());
  if (given->wants_help) return show_help(program, chosen.name);
  store(table, *given);
  return finish(program, run());
}

}  // namespace

int run_program(const Program& program, int argc, const char* const* argv) {
  try {
    return run_words(program, {argv + (argc > 0 ? 1 : 0), argv + argc});
  } catch (const std::exception& error) {
    // A broken invariant, or no memory: still one line, never a core dump on somebody's router.
    return complain(std::string(program.name), error.what());
  }
}

}  // namespace reversi

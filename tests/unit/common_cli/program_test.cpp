// A program's command line as a person sees it: what is printed where, and the exit code.

#include <cstdio>
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

#include "common/cli/help.h"

namespace reversi {
namespace {

Run show_options(Options& add) {
  auto node = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  add.text("NODE", *node, "The node.");
  add.flag("--json", *json, "JSON.");
  return [node, json]() -> Result<ExitCode> {
    std::printf("%s%s\n", node->c_str(), *json ? " json" : "");
    return ExitCode::done;
  };
}

Run fail_options(Options& /*add*/) {
  return []() -> Result<ExitCode> { return fail(Error(Errc::config, "no\tway").in("file")); };
}

Run break_options(Options& /*add*/) {
  return []() -> Result<ExitCode> { throw std::runtime_error("broken\n"); };
}

constexpr Verb kVerbs[] = {
    {"show", "Show.", show_options, "p show"},
    {"fail", "Fail.", fail_options, "p fail"},
    {"break", "Break.", break_options, "p break"},
    {"version", "Print the version.", show_options, "p version"},
    {"node add", "Add.", show_options, "p node add"},
    {"node remove", "Remove.", show_options, "p node remove"},
    {"secret", "Hidden.", show_options, "p secret", /*hidden=*/true},
};
constexpr Program kProgram{"p", "A program.", kVerbs};

struct Outcome {
  int code = 0;
  std::string out, err;
};

Outcome run(std::vector<const char*> words) {
  words.insert(words.begin(), "/usr/bin/p");
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = run_program(kProgram, static_cast<int>(words.size()), words.data());
  std::fflush(stdout);
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.err = ::testing::internal::GetCapturedStderr();
  return outcome;
}

TEST(Program, TheNamedVerbRuns) {
  EXPECT_EQ(run({"show", "a", "--json"}).out, "a json\n");
  EXPECT_EQ(run({"node", "add", "b"}).out, "b\n");
  EXPECT_EQ(run({"show", "show"}).out, "show\n") << "an argument may be called like a verb";
  EXPECT_EQ(run({"secret"}).code, 0);
}

TEST(Program, WhatAVerbFailsOfIsOneLineAndItsExitCode) {
  Outcome outcome = run({"fail"});
  EXPECT_EQ(outcome.err, "p: file: no?way\n");
  EXPECT_EQ(outcome.code, 3);
  outcome = run({"break"});
  EXPECT_EQ(outcome.err, "p: broken?\n");
  EXPECT_EQ(outcome.code, 1);
}

struct Mistake {
  std::vector<const char*> words;
  std::string says;
};

TEST(Program, AMistakeIsOneLineThatNamesTheHelpAndExitCode2) {
  const Mistake rows[] = {
      {{}, "p: a verb is missing; see `p --help`"},
      {{"node"}, "p node: a verb is missing; see `p node --help`"},
      {{"shwo"}, "p: unknown verb \"shwo\" (did you mean \"show\"?); see `p --help`"},
      {{"help"}, "p: unknown verb \"help\"; see `p --help`"},
      {{""}, "p: unknown verb \"\"; see `p --help`"},
      {{"-1"}, "p: unknown verb \"-1\"; see `p --help`"},
      {{"secrets"}, "p: unknown verb \"secrets\"; see `p --help`"},
      {{"node add"}, "p: unknown verb \"node add\"; see `p --help`"},
      {{"add"}, "p: unknown verb \"add\"; see `p --help`"},
      {{"node", "ad"}, "p node: unknown verb \"ad\" (did you mean \"add\"?); see `p node --help`"},
      {{"node", "node", "add"}, "p node: unknown verb \"node\"; see `p node --help`"},
      {{"a\nb"}, "p: unknown verb \"a?b\"; see `p --help`"},
      {{"--version"}, "p: unknown option --version (did you mean \"version\"?); see `p --help`"},
      {{"--json", "show"}, "p: unknown option --json; options come after the verb; see `p --help`"},
      {{"--", "show"}, "p: unknown option --; options come after the verb; see `p --help`"},
      {{"node", "-x", "add"},
       "p node: unknown option -x; options come after the verb; see `p node --help`"},
      {{"show", "--jsn"},
       "p show: unknown option --jsn (did you mean \"--json\"?); see `p show --help`"},
      {{"node", "add", "a", "b"}, "p node add: unexpected argument \"b\"; see `p node add --help`"},
      {{"shwo", "--", "-h"}, "p: unknown verb \"shwo\" (did you mean \"show\"?); see `p --help`"},
  };
  for (const Mistake& row : rows) {
    const Outcome outcome = run(row.words);
    EXPECT_EQ(outcome.err, row.says + "\n");
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.code, 2) << row.says;
  }
}

TEST(Program, HowLongAWordIsDoesNotHideTheHelp) {
  const Outcome outcome = run({std::string(5000, 'x').c_str()});
  EXPECT_LT(outcome.err.size(), 1100U);
  EXPECT_TRUE(outcome.err.ends_with("…; see `p --help`\n")) << outcome.err;
}

TEST(Program, HelpGoesToStandardOutputAndIsExitCode0) {
  struct {
    std::vector<const char*> words;
    const char* of;
  } const rows[] = {
      {{"-h"}, ""},
      {{"--help"}, ""},
      {{"-h", "show"}, "show"},
      {{"show", "--help"}, "show"},
      {{"show", "--nope", "-h"}, "show"},
      {{"secret", "-h"}, "secret"},
      {{"node", "--help"}, "node"},
      {{"-h", "node"}, "node"},
      {{"node", "-h", "add"}, "node add"},
      {{"node", "add", "-h"}, "node add"},
      {{"node", "nope", "-h"}, "node"},
      {{"nope", "--help"}, ""},
      {{"--nope", "--help"}, ""},
      {{"-h", "nope"}, ""},
  };
  for (const auto& row : rows) {
    const Outcome outcome = run(row.words);
    EXPECT_EQ(outcome.out, help_text(kProgram, row.of)) << row.of;
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.code, 0) << row.of;
  }
}

}  // namespace
}  // namespace reversi

#include <gtest/gtest.h>

#include "client/cli/verbs.h"
#include "common/cli/help.h"
#include "tests/support/golden.h"

namespace reversi::client {
namespace {

TEST(ClientHelp, EveryVerbKeepsItsHelpAndHasAnExample) {
  ::setenv("XDG_CONFIG_HOME", "/home/somebody/.config", 1);
  const Program& program = client_program();
  std::string text = help_text(program);
  for (const Verb& verb : program.verbs) {
    EXPECT_FALSE(verb.example.empty()) << verb.name;
    EXPECT_TRUE(verb.summary.ends_with('.')) << verb.name;
    text += "---- " + std::string(verb.name) + "\n" + help_text(program, verb.name);
  }
  reversi::testing::expect_golden("client_help.txt", text);
}

int run(std::vector<const char*> words) {
  words.insert(words.begin(), "reversi-client");
  return run_program(client_program(), static_cast<int>(words.size()), words.data());
}

TEST(ClientCommandLine, WhatCannotBeIsExitCode2) {
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"statsu"}), 2);
  EXPECT_EQ(run({"status", "--jsno"}), 2);
  EXPECT_EQ(run({"status", "--config"}), 2);
}

TEST(ClientCommandLine, AConfigurationThatIsNotThereIsExitCode3) {
  for (const char* verb : {"run", "status", "check", "stop", "reload", "restart-tunnel"}) {
    EXPECT_EQ(run({verb, "--config", "/nonexistent/client.json"}), 3) << verb;
  }
}

TEST(ClientCommandLine, AnUnknownVerbIsAnsweredWithTheNearest) {
  ::testing::internal::CaptureStderr();
  (void)run({"restart-tunel"});
  EXPECT_EQ(
      ::testing::internal::GetCapturedStderr(),
      "reversi-client: unknown verb \"restart-tunel\" (did you mean \"restart-tunnel\"?); see "
      "`reversi-client --help`\n");
}

}  // namespace
}  // namespace reversi::client

#include "server/io/agent.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "common/core/protocol.h"
#include "tests/support/scratch_dir.h"

namespace reversi::server {
namespace {

constexpr unsigned kLimitSeconds = 20;  // then SIGALRM ends the agent

/// Runs an agent in a process of its own whose client says hello; how that process ended.
int serve_hello(const AgentOptions& options) {
  std::array<int, 2> input{};
  EXPECT_EQ(::pipe(input.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kLimitSeconds);
    ::dup2(input[0], STDIN_FILENO);
    ::_exit(run_agent(options) ? 0 : 1);
  }
  Hello hello;
  hello.node = options.node.text();
  hello.forwards.push_back({"ssh", "127.0.0.1:22", {}, {}});
  const std::string line = encode(ClientMessage{hello});
  EXPECT_EQ(::write(input[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  for (const int fd : input) ::close(fd);
  return status;
}

AgentOptions options_in(const std::string& directory) {
  AgentOptions options{*NodeName::parse("node-a"), {}, directory, {}, {}, {}};
  options.grants.push_back({*ForwardName::parse("ssh"), 20001, {}});
  return options;
}

TEST(Agent, AnExceptionInsideEndsTheSession) {
  const testing::ScratchDir scratch;
  AgentOptions options = options_in(scratch.path());
  options.before_action = [](const AgentAction& action) {
    if (std::holds_alternative<StartClaim>(action)) throw std::runtime_error("no memory");
  };
  EXPECT_EQ(serve_hello(options), 0);
}

TEST(Agent, OneThatCannotEvenEndItOrderlyEndsAllTheSame) {
  const testing::ScratchDir scratch;
  AgentOptions options = options_in(scratch.path());
  options.before_action = [](const AgentAction& action) {
    const bool is_last = std::holds_alternative<EndSession>(action);
    if (is_last || std::holds_alternative<StartClaim>(action))
      throw std::runtime_error("no memory");
  };
  EXPECT_EQ(serve_hello(options), 0);
}

}  // namespace
}  // namespace reversi::server

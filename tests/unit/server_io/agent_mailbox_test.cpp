#include "server/io/agent_mailbox.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <functional>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "server/io/process.h"
#include "state_dir_fixture.h"

namespace reversi::server {
namespace {

using namespace testing;

/// A child process that takes SIGUSR1 as an agent does and answers with `serve`, once.
class AgentMailboxTest : public StateDirTest {
 protected:
  ~AgentMailboxTest() override {
    if (child > 0) ::kill(child, SIGKILL);
    if (child > 0) ::waitpid(child, nullptr, 0);
  }

  ProcessId start_agent(const std::function<void()>& serve) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    child = ::fork();
    if (child == 0) {
      int signal = 0;
      ::alarm(20);
      ::sigwait(&signals, &signal);
      serve();
      ::_exit(0);
    }
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    return process_of_pid(child).value();
  }

  Result<Json> ask(const ProcessId& agent, Millis limit = Millis{5000}) {
    return ask_agent(state, node, agent, RequestKind::challenge, {{"from", "192.0.2.1"}}, limit);
  }

  pid_t child = -1;
};

TEST_F(AgentMailboxTest, ARequestReachesTheAgentAndItsAnswerComesBack) {
  const ProcessId agent = start_agent([this] {
    const auto request = read_request(state, node, "");
    if (!request || request->kind != RequestKind::challenge) return;
    static_cast<void>(
        write_answer(state, node, *request, "", {{"alive", true}, {"was", request->text}}));
  });
  const auto answer = ask(agent);
  ASSERT_TRUE(answer) << answer.error().line();
  EXPECT_EQ((*answer)["alive"], true);
  EXPECT_NE((*answer)["was"].get<std::string>().find("192.0.2.1"), std::string::npos);
}

TEST_F(AgentMailboxTest, ARefusalIsAnErrorWithItsReason) {
  const ProcessId agent = start_agent([this] {
    static_cast<void>(
        write_answer(state, node, *read_request(state, node, ""), "no forwards", Json::object()));
  });
  const auto answer = ask(agent);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().line(), "no forwards");
}

TEST_F(AgentMailboxTest, AnAgentThatEndsEndsTheWait) {
  const ProcessId agent = start_agent([] {});
  const auto answer = ask(agent, Millis{20'000});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::not_found);
}

TEST_F(AgentMailboxTest, AStoppedAgentCostsTheLimitAndNoMore) {
  const ProcessId agent = start_agent([] {});
  ::kill(child, SIGSTOP);
  const auto answer = ask(agent, Millis{50});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::timeout);
}

TEST_F(AgentMailboxTest, ALockThatAnotherHoldsIsNoSilenceOfTheAgent) {
  const ProcessId agent = start_agent([] {});
  const auto turn = lock_file(file("request.lock"), Millis{100});
  ASSERT_TRUE(turn);
  const auto answer = ask(agent, Millis{50});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::refused);
  EXPECT_EQ(answer.error().line(), "another request is under way");
}

TEST_F(AgentMailboxTest, AnAskerThatIsSuspendedAsksToTheEndFirst) {
  const ProcessId agent = start_agent([] { ::pause(); });
  const pid_t asker = ::fork();
  if (asker == 0) {
    ::setpgid(0, 0);  // in a group whose leader has nobody above SIGTSTP would stop nobody
    ::_exit(ask(agent, Millis{1'000}) ? 0 : 1);
  }
  const MonoTime deadline = mono_now() + Millis{5'000};
  while (lock_file(file("request.lock"), Millis{0}) && mono_now() < deadline) {
  }
  ASSERT_EQ(::kill(asker, SIGTSTP), 0);
  EXPECT_TRUE(lock_file(file("request.lock"), Millis{5'000})) << "it keeps the others waiting";
  ::kill(asker, SIGKILL);
  ::waitpid(asker, nullptr, 0);
}

TEST_F(AgentMailboxTest, NeitherRequestNorAnswerOfAnotherUserCounts) {
  put(file("request"), R"({"id": "a", "request": "probe"})");
  if (::chown(file("request").c_str(), 65534, 65534) != 0) GTEST_SKIP() << "needs root";
  EXPECT_FALSE(read_request(state, node, ""));
}

TEST_F(AgentMailboxTest, WhatStandsInTheWayOfTheLockIsRemoved) {
  const ProcessId agent = start_agent([] {});
  ASSERT_EQ(::mkfifo(file("request.lock").c_str(), 0600), 0);
  const auto answer = ask(agent);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::not_found) << "it was asked, and ended";
}

TEST_F(AgentMailboxTest, AnotherProcessWithTheSamePidIsNeverSignalled) {
  ProcessId agent = start_agent([] {});
  const ProcessId real = agent;
  agent.start_time += 1;
  const auto answer = ask(agent);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::not_found);
  EXPECT_TRUE(is_running(real)) << "SIGUSR1 would have ended it";
}

TEST_F(AgentMailboxTest, ARequestIsReadOnceAndRubbishNever) {
  put(file("request"), R"({"id": "a", "request": "probe"})");
  EXPECT_EQ(read_request(state, node, "").value().id, "a");
  EXPECT_FALSE(read_request(state, node, "a"));
  for (const char* rubbish : {"", "{", "[]", "{\"id\": 1}", R"({"id": "b", "request": "dance"})"}) {
    put(file("request"), rubbish);
    EXPECT_FALSE(read_request(state, node, "")) << rubbish;
  }
}

TEST_F(AgentMailboxTest, EndingAProcessWaitsUntilItIsGone) {
  const ProcessId agent = start_agent([] {});
  ::kill(child, SIGSTOP);  // deaf to SIGTERM
  EXPECT_TRUE(end_process(agent, Millis{5000}));
  EXPECT_FALSE(is_running(agent)) << "a zombie counts as gone";
  EXPECT_TRUE(end_process(agent, Millis{100})) << "gone already";
}

}  // namespace
}  // namespace reversi::server

// The one thing that the agent-free mode runs on a server: it must end our own former session and nothing else.

#include "client/core/former_session.h"

#include <gtest/gtest.h>

#include "tests/unit/client_core/tunnel_fixture.h"

namespace reversi::client {
namespace {

const ServerProcess kProcess{1234, 567890, "6b7c8f20-7d29-4ed9-ad3c-6d5795f63cd5"};

TEST(FormerSession, TheLineOfASessionIsReadBackAndNothingElseIs) {
  EXPECT_EQ(parse_session_line("reversi-session 1234 567890 6b7c8f20-7d29-4ed9-ad3c-6d5795f63cd5"),
            kProcess);
  for (const char* line :
       {"", "reversi-session", "reversi-session 1234", "reversi-session 1234 5678",
        "reversi-session 1234 5678 ", "reversi-session 1 5678 ab", "reversi-session 0 5678 ab",
        "reversi-session -7 5678 ab", "reversi-session 1234 0 ab",
        "reversi-session 1234 5678 ab;id", "reversi-session 1234 5678 $(id)",
        "reversi-session 99999999999999999999 5678 ab", "Welcome to tunnel.example.org"}) {
    EXPECT_FALSE(parse_session_line(line)) << line;
  }
}

TEST(FormerSession, AMachineIsKnownByAnyOfItsAddresses) {
  const std::string wifi = "52:54:00:00:00:01";
  const std::string modem = "52:54:00:00:00:02";
  EXPECT_TRUE(is_same_machine({wifi}, {wifi, modem})) << "the modem came later";
  EXPECT_TRUE(is_same_machine({wifi, modem}, {wifi}));
  EXPECT_TRUE(is_same_machine({}, {})) << "a container";
  EXPECT_FALSE(is_same_machine({wifi}, {modem})) << "a copy of the disk";
  EXPECT_FALSE(is_same_machine({wifi}, {}));
  EXPECT_FALSE(is_same_machine({}, {wifi}));
}

TEST(FormerSession, TheCommandEndsThatProcessOnlyIfItStillIsTheSame) {
  const std::string command = former_session_command(kProcess);
  EXPECT_NE(command.find(R"(if [ "$(t 1234)$b" = 5678906b7c8f20-7d29-4ed9-ad3c-6d5795f63cd5 ];)"),
            std::string::npos)
      << command;
  EXPECT_NE(command.find("kill -9 1234;"), std::string::npos);
  EXPECT_EQ(former_session_command({}).find("kill"), std::string::npos);
  EXPECT_EQ(former_session_command(ServerProcess{1234, 1, "$(reboot)"}).find("kill"),
            std::string::npos);
  EXPECT_EQ(command.find('\n'), std::string::npos);
  EXPECT_EQ(std::ranges::count(command, '\''), 2) << "a login shell takes it as one word";
}

class AgentFreeTest : public TunnelTest {
 protected:
  void SetUp() override {
    ClientConfig config = two_forwards();
    config.agent = false;
    config.forwards[0].listen = Endpoint{"localhost", 20001};
    begin(std::move(config));
  }
  std::string line() const {
    return "reversi-session 1234 567890 6b7c8f20-7d29-4ed9-ad3c-6d5795f63cd5";
  }
};

TEST_F(AgentFreeTest, TheFirstSessionAsksForItsForwardsAtOnceAndIsNoted) {
  to_greeting();
  EXPECT_EQ(is(), "forwarding");
  EXPECT_EQ(sent<Forward>().size(), 1U);
  worker(10ms, AgentLine{line()});
  ASSERT_EQ(did<action::KeepFormer>().size(), 1U);
  EXPECT_EQ(did<action::KeepFormer>()[0].server, "a.example:22");
  EXPECT_EQ(did<action::KeepFormer>()[0].process, kProcess);
  worker(1ms, AgentLine{});
  EXPECT_EQ(is(), "forwarding") << "the end of the command is no end of the session";
}

TEST_F(AgentFreeTest, TheNextSessionEndsTheFormerOneBeforeItAsksForItsForwards) {
  to_greeting();
  worker(10ms, AgentLine{line()});
  after(1s, event::WorkerExited{"killed by signal 9"});
  after(waits(), event::Tick{});
  ASSERT_EQ(sent<Start>().size(), 1U);
  EXPECT_NE(sent<Start>()[0].command.find("kill -9 1234;"), std::string::npos);
  worker(100ms, Connected{"192.0.2.7:22", "SHA256:x"});
  EXPECT_EQ(is(), "greeting");
  EXPECT_TRUE(sent<Forward>().empty());
  worker(300ms, AgentLine{"reversi-session 1300 600000 6b7c8f20-7d29-4ed9-ad3c-6d5795f63cd5"});
  EXPECT_EQ(is(), "forwarding");
  EXPECT_EQ(sent<Forward>().size(), 1U);
}

TEST_F(AgentFreeTest, AServerThatRunsNoCommandThisTimeCostsNoTunnelAndIsAskedAgain) {
  to_greeting();
  worker(10ms, AgentLine{line()});
  EXPECT_TRUE(tunnel.tries[0].runs_commands);
  after(1s, event::WorkerExited{"killed by signal 9"});
  after(waits(), event::Tick{});
  worker(100ms, Connected{"192.0.2.7:22", "SHA256:x"});
  worker(100ms, AgentLine{});
  EXPECT_EQ(is(), "forwarding");
  EXPECT_FALSE(tunnel.tries[0].runs_commands);
  after(1s, event::WorkerExited{"killed by signal 9"});
  after(waits(), event::Tick{});
  EXPECT_NE(sent<Start>()[0].command.find("kill -9 1234;"), std::string::npos);
}

TEST_F(AgentFreeTest, ACommandThatSaysNothingIsWaitedForForFourSeconds) {
  to_greeting();
  worker(10ms, AgentLine{line()});
  after(1s, event::WorkerExited{"killed by signal 9"});
  after(waits(), event::Tick{});
  worker(100ms, Connected{"192.0.2.7:22", "SHA256:x"});
  worker(1s, AgentLine{"Welcome to a.example"});
  EXPECT_EQ(is(), "greeting");
  pass(3s);
  EXPECT_EQ(is(), "forwarding");
}

}  // namespace
}  // namespace reversi::client

// Without an agent the canary is the only judge of the path: nothing may keep it from running.

#include <gtest/gtest.h>

#include "tests/unit/client_core/tunnel_fixture.h"

namespace reversi::client {
namespace {

class AgentFreeCanaryTest : public TunnelTest {
 protected:
  void SetUp() override {
    begin(agent_free(Expect{.kind = Expect::Kind::banner, .match = "SSH-2.0-"}));
  }
  static ClientConfig agent_free(const Expect& expect) {
    ClientConfig config = two_forwards();
    config.agent = false;
    config.canary = CanaryConfig{{"127.0.0.1", 19922}, "ssh"};
    config.forwards[0].listen = Endpoint{"localhost", 20001};
    config.forwards[0].expect = expect;
    config.forwards[1].listen = Endpoint{"localhost", 20002};
    return config;
  }
  void to_listening(const CanaryReply& reply = {.listens = true, .error = {}}) {
    to_greeting();
    worker(0ms, ForwardReply{"ssh", true, {}});
    worker(0ms, ForwardReply{"web", true, {}});
    worker(0ms, reply);
  }
  /// A run, the samples around it, and its outcome.
  void run(bool ok, std::uint64_t before, std::uint64_t afterwards) {
    ASSERT_TRUE(tunnel.canary.running);
    worker(0ms, Sampled{{before, 0, false}, 1});
    after(1s, event::CanaryDone{ok, ok ? "" : "no answer", 1s});
    worker(0ms, Sampled{{afterwards, 0, false}, 1});
  }
  /// The next run, to which the worker says nothing, and no answer comes.
  void silent_run() {
    for (const MonoTime end = now + 60s; !tunnel.canary.running && now < end;) pass(100ms);
    ASSERT_TRUE(tunnel.canary.running);
    pass(5s);
    after(0ms, event::CanaryDone{false, "no answer", {}});
  }
  Verdict verdict() const { return tunnel.forwards[0].verdict; }
};

TEST_F(AgentFreeCanaryTest, ACanaryWhosePortIsTakenIsStillRun) {
  const Endpoint elsewhere{"127.0.0.1", 40123};
  to_listening({.listens = true, .error = "127.0.0.1:19922: in use", .listen = elsewhere});
  ASSERT_EQ(did<action::RunCanary>().size(), 1U);
  EXPECT_EQ(did<action::RunCanary>()[0].listen, elsewhere);
  ASSERT_EQ(did<action::Log>().size(), 1U);
  EXPECT_EQ(did<action::Log>()[0].text,
            "canary: 127.0.0.1:19922: in use; it listens on 127.0.0.1:40123 instead");
  run(true, 100, 200);
  EXPECT_EQ(word(), NodeState::up);
  pass(30s);
  run(false, 200, 200);
  run(false, 200, 200);
  EXPECT_EQ(is(), "stopping") << "the path is dead";
}

TEST_F(AgentFreeCanaryTest, AWorkerThatNoLongerAnswersSamplesIsEnded) {
  to_listening();
  run(true, 100, 200);
  const MonoTime hung_since = now;
  for (int run = 0; run < 2; ++run) {
    silent_run();
    EXPECT_EQ(is(), "ready") << "one run without an answer is no proof";
  }
  silent_run();
  EXPECT_EQ(is(), "stopping");
  EXPECT_LE(now - hung_since, 75s);
}

TEST_F(AgentFreeCanaryTest, AWorkerThatAnswersLateKeepsItsSession) {
  to_listening();
  run(true, 100, 200);
  silent_run();
  silent_run();
  ASSERT_TRUE(tunnel.canary.running) << "the third run comes at once";
  // All that was asked for is answered at once, and the canary comes back.
  for (int i = 0; i < 4; ++i) worker(0ms, Sampled{{200, 0, false}, 1});
  EXPECT_EQ(is(), "ready");
  after(10ms, event::CanaryDone{true, {}, 10ms});
  EXPECT_EQ(word(), NodeState::up);
}

TEST_F(AgentFreeCanaryTest, AnOpenConnectionAloneProvesNothing) {
  begin(agent_free(Expect{}));
  to_listening();
  EXPECT_EQ(did<action::RunCanary>().at(0).stays_open_for, did<action::RunCanary>().at(0).limit);
  run(true, 100, 200);
  EXPECT_EQ(verdict(), Verdict::healthy);
  EXPECT_EQ(word(), NodeState::up);
  pass(30s);
  // The listener takes the connection; nothing answers the channel.
  run(true, 200, 200);
  EXPECT_EQ(verdict(), Verdict::hung);
  EXPECT_EQ(tunnel.canary.ok, false);
  run(true, 200, 200);
  EXPECT_EQ(is(), "stopping");
}

}  // namespace
}  // namespace reversi::client

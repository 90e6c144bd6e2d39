// A node on a later server tries the earlier ones, and moves without a gap.

#include "tests/unit/client_core/tunnel_fixture.h"

namespace reversi::client {
namespace {

class TunnelMoveTest : public TunnelTest {
 protected:
  /// Ready on the second of two servers, the first does not answer.
  void SetUp() override {
    ClientConfig config = two_forwards();
    config.servers.push_back({{"b.example", 22}, "reversi"});
    config.canary = CanaryConfig{{"127.0.0.1", 19922}, "ssh"};
    begin(config);
    to_starting();
    worker(10ms, Failed{Failure::no_answer, "no route"});
    after(1ms, event::WorkerExited{"exit code 10"});
    worker(100ms, Connected{"192.0.2.8:22", "SHA256:x"});
    agent(10ms, welcome());
    agent(1ms, HeartbeatAck{1});
    worker(1ms, ForwardReply{"ssh", true, {}});
    worker(1ms, ForwardReply{"web", true, {}});
    ASSERT_EQ(is(), "ready");
  }

  /// A tunnel to the first server alone, ready.
  Tunnel candidate() {
    const Tunnel present = tunnel;
    tunnel = new_tunnel(setup_for(*present.setup, 0), present.policy, now);
    to_ready();
    return std::exchange(tunnel, present);
  }
};

TEST_F(TunnelMoveTest, TheEarlierServerIsTriedEveryHalfHour) {
  all.clear();
  pass(61min);
  std::vector<std::size_t> tried;
  for (const Action& action : all) {
    if (const auto* trial = std::get_if<action::TryServer>(&action)) tried.push_back(trial->server);
  }
  EXPECT_EQ(tried, (std::vector<std::size_t>{0, 0}));
  EXPECT_EQ(is(), "ready") << "trying costs the session nothing";
}

TEST_F(TunnelMoveTest, TheTrialIsATunnelOfThatServerAloneAndLeavesTheCanaryItsPort) {
  const auto only = setup_for(*tunnel.setup, 0);
  ASSERT_EQ(only->config.servers.size(), 1U);
  EXPECT_EQ(only->config.servers[0].endpoint.host, "a.example");
  EXPECT_FALSE(only->config.canary);
  EXPECT_EQ(only->identity.run, tunnel.setup->identity.run);
}

TEST_F(TunnelMoveTest, TheNewTunnelTakesThePlaceOfTheOldWithItsSessionAndAllThatIsKnown) {
  const Tunnel fresh = candidate();
  tunnel = take_over(fresh, tunnel, 0, now);
  EXPECT_EQ(is(), "ready");
  EXPECT_EQ(tunnel.server, 0U);
  EXPECT_EQ(tunnel.tries.size(), 2U);
  EXPECT_EQ(tunnel.setup->config.servers.size(), 2U);
  EXPECT_EQ(session_of(tunnel)->id, session_of(fresh)->id);
  all.clear();
  pass(4s);
  const auto opened = std::ranges::count_if(all, [](const Action& action) {
    const auto* send = std::get_if<action::SendWorker>(&action);
    return send != nullptr && std::holds_alternative<OpenCanary>(send->command);
  });
  EXPECT_EQ(opened, 1) << "once the old worker has left its port";
  all.clear();
  pass(61min);
  EXPECT_TRUE(std::ranges::none_of(all, [](const Action& a) {
    return std::holds_alternative<action::TryServer>(a);
  })) << "there is no earlier one than the first";
}

TEST_F(TunnelMoveTest, WhatIsLostAfterTheMoveIsTriedThereFirst) {
  tunnel = take_over(candidate(), tunnel, 0, now);
  after(1s, event::WorkerExited{"killed by signal 9"});
  ASSERT_EQ(sent<Start>().size(), 1U);
  EXPECT_EQ(sent<Start>()[0].server.host, "a.example");
}

}  // namespace
}  // namespace reversi::client

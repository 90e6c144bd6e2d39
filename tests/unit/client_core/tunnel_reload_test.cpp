// What a reload leaves alone: a session whose configuration a person did not change.

#include <gtest/gtest.h>

#include "client/core/config_change.h"
#include "tests/unit/client_core/tunnel_fixture.h"

namespace reversi::client {
namespace {

const ServerConfig kLearned{{"b.example", 22}, "reversi"};

class TunnelReloadTest : public TunnelTest {
 protected:
  static std::shared_ptr<TunnelSetup> with_learned_server() {
    auto setup = std::make_shared<TunnelSetup>(TunnelSetup{two_forwards(), {}, {}});
    setup->config.servers.push_back(kLearned);
    setup->learned = 1;
    return setup;
  }
  static std::shared_ptr<TunnelSetup> with_other_target(std::shared_ptr<TunnelSetup> setup) {
    setup->config.forwards[0].target = Endpoint{"127.0.0.1", 2222};
    return setup;
  }
};

TEST_F(TunnelReloadTest, ALearnedServerThatComesOrGoesIsNoReasonForANewSession) {
  to_up();
  after(1ms, event::ServersLearned{with_learned_server()});
  after(1ms, event::Reload{with_other_target(with_learned_server())});
  EXPECT_EQ(is(), "ready");
  EXPECT_EQ(sent<Retarget>().size(), 1U);
  after(1ms, event::Reload{std::make_shared<TunnelSetup>(TunnelSetup{two_forwards(), {}, {}})});
  EXPECT_EQ(is(), "ready");
  EXPECT_EQ(tunnel.tries.size(), tunnel.setup->config.servers.size());
}

TEST_F(TunnelReloadTest, AServerInUseThatIsNoLongerNamedOutlivesAReload) {
  tunnel = new_tunnel(with_learned_server(), SessionPolicy{}, now);
  to_starting();
  worker(1ms, Failed{Failure::no_answer, "no route"});
  after(1ms, event::WorkerExited{"exit code 10"});
  worker(1ms, Connected{"192.0.2.8:22", "SHA256:x"});
  agent(1ms, welcome());
  const auto forgotten = std::make_shared<TunnelSetup>(TunnelSetup{two_forwards(), {}, {}});
  after(1ms, event::ServersLearned{forgotten});
  ASSERT_EQ(is(), "forwarding");
  for (int i = 0; i < 2; ++i) {
    after(1ms, event::Reload{with_other_target(std::make_shared<TunnelSetup>(*forgotten))});
    EXPECT_EQ(is(), "forwarding");
    EXPECT_EQ(tunnel.setup->config.servers.at(tunnel.server), kLearned);
  }
}

TEST_F(TunnelReloadTest, WhatWasToldAtTheStartIsSaidToWaitForTheNextSession) {
  to_up();
  auto changed = std::make_shared<TunnelSetup>(*setup);
  changed->config.metered = true;
  changed->config.max_buffered_mib += 1;
  changed->config.forwards[1].expect = Expect{.kind = Expect::Kind::banner, .match = "220"};
  const std::string note = reload_note(tunnel, *changed);
  EXPECT_EQ(note,
            "forwards[1].expect, metered, max_buffered_mib: in effect with the next session; "
            "restart-tunnel makes one now");
  after(1ms, event::Reload{changed});
  EXPECT_EQ(is(), "ready");
  ASSERT_FALSE(did<action::Log>().empty());
  EXPECT_EQ(did<action::Log>()[0].text, note);
  EXPECT_EQ(reload_note(tunnel, *changed), "") << "nothing changed";
  after(0ms, event::WorkerExited{"killed by signal 9"});
  auto moved = std::make_shared<TunnelSetup>(*setup);
  moved->config.servers[0].endpoint.port = 2222;
  EXPECT_EQ(reload_note(tunnel, *moved), "") << "a new session comes at once";
}

TEST_F(TunnelReloadTest, WithoutAnAgentAnExpectIsInEffectAtOnce) {
  ClientConfig before = two_forwards();
  before.agent = false;
  ClientConfig after = before;
  after.metered = true;
  after.forwards[0].expect = Expect{};
  EXPECT_TRUE(keys_of_next_session(before, after).empty());
}

}  // namespace
}  // namespace reversi::client

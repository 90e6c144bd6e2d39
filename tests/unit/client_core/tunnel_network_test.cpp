// What a change of the network does to the tunnel.

#include "tests/unit/client_core/tunnel_fixture.h"

namespace reversi::client {
namespace {

class TunnelNetworkTest : public TunnelTest {
 protected:
  void fail_to_connect(Failure failure) {
    to_starting();
    worker(10ms, Failed{failure, "x"});
    after(1ms, event::WorkerExited{"exit code 10"});
    ASSERT_EQ(is(), "waiting");
  }
};

TEST_F(TunnelNetworkTest, AHintLooksWhetherTheSessionStillHasItsAddress) {
  to_up();
  after(20s, event::Hint{"an address is gone"});
  EXPECT_EQ(sent<TakeSample>().size(), 1U);
  worker(1ms, Sampled{});
  EXPECT_EQ(is(), "ready");
}

TEST_F(TunnelNetworkTest, ASessionWhoseAddressStaysAwayIsGivenUpAndStartedAnew) {
  to_up();
  after(20s, event::Hint{"a new address"});
  worker(1ms, Sampled{.progress = {}, .address_gone = true});
  EXPECT_EQ(is(), "ready") << "a lease that is renewed looks the same";
  all.clear();
  pass(1600ms, false);
  EXPECT_TRUE(std::ranges::any_of(all, [](const Action& action) {
    const auto* send = std::get_if<action::SendWorker>(&action);
    return send != nullptr && std::holds_alternative<TakeSample>(send->command);
  }));
  worker(1ms, Sampled{.progress = {}, .address_gone = true});
  ASSERT_EQ(is(), "stopping");
  EXPECT_TRUE(did<action::SignalWorker>().at(0).kill) << "a good-bye would reach nobody";
  after(1ms, event::WorkerExited{"killed by signal 9"});
  EXPECT_EQ(is(), "starting");
}

TEST_F(TunnelNetworkTest, AnAddressThatIsBackInTimeCostsNoSession) {
  to_up();
  after(20s, event::Hint{"an address is gone"});
  worker(1ms, Sampled{.progress = {}, .address_gone = true});
  worker(500ms, Sampled{});
  worker(1100ms, Sampled{.progress = {}, .address_gone = true});
  EXPECT_EQ(is(), "ready") << "it has been away for a moment twice";
}

TEST_F(TunnelNetworkTest, AServerThatDidNotAnswerIsTriedAgainWhenTheNetworkChanges) {
  fail_to_connect(Failure::no_answer);
  after(10ms, event::Hint{"the default route changed"});
  EXPECT_EQ(is(), "starting");
}

TEST_F(TunnelNetworkTest, TheChangeCountsEvenWhileTheWorkerLeaves) {
  to_starting();
  worker(10ms, Failed{Failure::no_answer, "x"});
  ASSERT_EQ(is(), "stopping");
  after(1ms, event::Hint{"the default route changed"});
  after(1ms, event::WorkerExited{"exit code 10"});
  EXPECT_EQ(is(), "starting");
}

TEST_F(TunnelNetworkTest, AServerThatRefusedTheKeyIsNot) {
  fail_to_connect(Failure::key_refused);
  const Millis wait = waits();
  after(10ms, event::Hint{"the default route changed"});
  EXPECT_EQ(waits(), wait - 10ms);
}

}  // namespace
}  // namespace reversi::client

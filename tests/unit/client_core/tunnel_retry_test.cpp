#include "client/core/tunnel_retry.h"

#include <gtest/gtest.h>

namespace reversi::client {
namespace {

using namespace std::chrono_literals;

class TunnelRetry : public ::testing::Test {
 protected:
  Millis lose(LossKind kind, Reached reached = {}, Millis retry_after = 0ms) {
    tries = after_loss(tries, {kind, "x", retry_after}, reached, {policy, node, 1, began}, now);
    const Millis delay = tries.retry_at - now;
    now = tries.retry_at;
    return delay;
  }

  SessionPolicy policy;
  std::string node = "cam-07";
  MonoTime began{1000s};
  MonoTime now{1000s};
  ServerTries tries;
};

TEST_F(TunnelRetry, WithoutAnAnswerTheDelayStaysShortAndFailuresDoNotGrow) {
  std::vector<Millis> delays;
  for (int i = 0; i < 6; ++i) delays.push_back(lose(LossKind::no_answer));
  EXPECT_EQ(delays, (std::vector<Millis>{1s, 2s, 4s, 8s, 8s, 8s}));
  EXPECT_EQ(tries.failures, 0);
}

TEST_F(TunnelRetry, ARefusedKeyIsTriedOftenForHalfAnHourAndThenEveryTwoMinutes) {
  std::vector<Millis> delays;
  for (int i = 0; i < 5; ++i) delays.push_back(lose(LossKind::key_refused));
  EXPECT_EQ(delays, (std::vector<Millis>{5s, 10s, 20s, 30s, 30s}));
  now = began + 30min;
  EXPECT_EQ(lose(LossKind::key_refused), 2min);
  tries.last_login = now;
  EXPECT_EQ(lose(LossKind::key_refused), 30s);
}

TEST_F(TunnelRetry, AChangedHostKeyIsTriedEveryTenMinutes) {
  EXPECT_EQ(lose(LossKind::host_key), 10min);
  EXPECT_EQ(lose(LossKind::host_key), 10min);
}

TEST_F(TunnelRetry, AStableSessionLostOnOurSideIsBackWithinTwoSecondsOfAnySpread) {
  policy.spread = 10min;
  tries.failures = 9;
  EXPECT_LE(lose(LossKind::lost, {.ready = true, .stable = true, .draining = {}}), 2s);
  EXPECT_EQ(tries.failures, 1);
}

TEST_F(TunnelRetry, AServersCloseIsSpreadOverTheFleet) {
  policy.spread = 10min;
  const Millis delay = lose(LossKind::closed, {.ready = true, .stable = true, .draining = {}});
  EXPECT_GT(delay, 2s);
  EXPECT_LE(delay, 10min);
}

TEST_F(TunnelRetry, ARestartNeverComesSoonerThanTheServerSaid) {
  EXPECT_EQ(lose(LossKind::restart, {.ready = true, .stable = true, .draining = {}}, 7s), 7s);
  for (int i = 0; i < 10; ++i)
    (void)lose(LossKind::restart, {.ready = true, .stable = false, .draining = {}}, 0s);
  EXPECT_GT(lose(LossKind::restart, {.ready = true, .stable = false, .draining = {}}, 0s), 40s);
}

TEST_F(TunnelRetry, ARefusalThatSaysZeroStillWaitsASecond) {
  EXPECT_EQ(lose(LossKind::refused), 1s);
  EXPECT_EQ(lose(LossKind::refused, {}, 90s), 90s);
}

TEST(ChooseServer, TheNextDueOneInOrderElseTheSoonest) {
  const MonoTime now{100s};
  std::vector<ServerTries> tries(3);
  tries[0].retry_at = now + 5s;
  tries[2].retry_at = now + 2s;
  EXPECT_EQ(choose_server(tries, 2, now).server, 1U);
  tries[1].retry_at = now + 9s;
  EXPECT_EQ(choose_server(tries, 1, now).server, 2U);
  EXPECT_EQ(choose_server(tries, 1, now).at, now + 2s);
}

}  // namespace
}  // namespace reversi::client

#include "common/core/liveness.h"

#include <gtest/gtest.h>

namespace reversi {
namespace {

using namespace std::chrono_literals;

class LivenessTest : public ::testing::Test {
 protected:
  void pass(Millis pause) { now += pause; }
  void beat_and_reply(Millis rtt) {
    liveness.beat_sent(now);
    pass(rtt);
    liveness.replied(now);
  }

  MonoTime now{1000s};
  Liveness liveness{LivenessPolicy{}, now};
};

TEST_F(LivenessTest, BeatsAtOnceAndThenEveryInterval) {
  EXPECT_TRUE(liveness.is_beat_due(now));
  beat_and_reply(20ms);
  EXPECT_FALSE(liveness.is_beat_due(now));
  pass(14'980ms);
  EXPECT_TRUE(liveness.is_beat_due(now));
}

TEST_F(LivenessTest, NeverHasTwoHeartbeatsUnanswered) {
  liveness.beat_sent(now);
  pass(60s);
  EXPECT_FALSE(liveness.is_beat_due(now));
}

TEST_F(LivenessTest, SilenceIsSuspectAfterTwoSecondsAndDeadFiveLater) {
  beat_and_reply(20ms);
  pass(15s);
  liveness.beat_sent(now);
  pass(1999ms);
  EXPECT_EQ(liveness.judge(now), Life::alive);
  pass(1ms);
  EXPECT_EQ(liveness.judge(now), Life::suspect);
  pass(4999ms);
  EXPECT_EQ(liveness.judge(now), Life::suspect);
  pass(1ms);
  EXPECT_EQ(liveness.judge(now), Life::dead);
}

TEST_F(LivenessTest, ASlowPathIsGivenFourRoundTrips) {
  for (int i = 0; i < 30; ++i) beat_and_reply(1500ms);
  liveness.beat_sent(now);
  pass(5900ms);
  EXPECT_EQ(liveness.judge(now), Life::alive);
  pass(200ms);
  EXPECT_EQ(liveness.judge(now), Life::suspect);
}

TEST_F(LivenessTest, ProgressStopsTheClockButNotForEver) {
  liveness.beat_sent(now);
  for (int second = 1; second < 60; ++second) {
    pass(1s);
    liveness.progressed(now);
    ASSERT_EQ(liveness.judge(now), Life::alive) << second;
  }
  pass(1s);
  liveness.progressed(now);
  EXPECT_EQ(liveness.judge(now), Life::dead) << "progress without any reply is dead after 60 s";
}

TEST_F(LivenessTest, TheClockRunsAgainWhenProgressEnds) {
  liveness.beat_sent(now);
  pass(20s);
  liveness.progressed(now);
  pass(6900ms);
  EXPECT_EQ(liveness.judge(now), Life::suspect);
  pass(100ms);
  EXPECT_EQ(liveness.judge(now), Life::dead);
}

TEST_F(LivenessTest, AHintIsSuspectUntilAReplyComes) {
  beat_and_reply(20ms);
  liveness.hint(now);
  EXPECT_EQ(liveness.judge(now), Life::suspect);
  EXPECT_TRUE(liveness.is_beat_due(now));
  beat_and_reply(20ms);
  EXPECT_EQ(liveness.judge(now), Life::alive);
}

TEST_F(LivenessTest, HintUponHintDoesNotKeepADeadPathAlive) {
  liveness.beat_sent(now);
  for (int second = 0; second < 7; ++second) {
    liveness.hint(now);
    EXPECT_EQ(liveness.judge(now), Life::suspect);
    pass(1s);
  }
  EXPECT_EQ(liveness.judge(now), Life::dead);
}

TEST_F(LivenessTest, AReplyAskedForBeforeTheHintDoesNotEndTheSuspicion) {
  liveness.beat_sent(now);
  liveness.hint(now);
  pass(20ms);
  EXPECT_TRUE(liveness.replied(now));
  EXPECT_EQ(liveness.judge(now), Life::suspect);
  EXPECT_TRUE(liveness.is_beat_due(now));
  beat_and_reply(20ms);
  EXPECT_EQ(liveness.judge(now), Life::alive);
}

TEST_F(LivenessTest, AReplyThatNobodyAskedForProvesNothing) {
  EXPECT_FALSE(liveness.replied(now));
  liveness.hint(now);
  EXPECT_FALSE(liveness.replied(now));
  EXPECT_EQ(liveness.judge(now), Life::suspect);
}

TEST_F(LivenessTest, WakingAtEveryDeadlineMissesNoChange) {
  beat_and_reply(20ms);
  const MonoTime beat_at = liveness.next_deadline(now);
  EXPECT_EQ(beat_at - now, 15s - 20ms);
  now = beat_at;
  liveness.beat_sent(now);
  EXPECT_EQ(liveness.next_deadline(now) - now, 2s);
  pass(2s);
  EXPECT_EQ(liveness.judge(now), Life::suspect);
  EXPECT_EQ(liveness.next_deadline(now) - now, 5s);
  pass(5s);
  EXPECT_EQ(liveness.judge(now), Life::dead);
}

TEST(Progress, AcknowledgedBytesCountOnlyWhereBytesWereOutstanding) {
  const ProgressSample idle{.bytes_received = 5, .bytes_acked = 5, .has_unacked = false};
  const ProgressSample full{.bytes_received = 5, .bytes_acked = 5, .has_unacked = true};
  const ProgressSample acked{.bytes_received = 5, .bytes_acked = 6, .has_unacked = true};
  const ProgressSample received{.bytes_received = 6, .bytes_acked = 5, .has_unacked = false};
  EXPECT_TRUE(is_progress(full, acked));
  EXPECT_FALSE(is_progress(idle, acked));
  EXPECT_TRUE(is_progress(idle, received));
  EXPECT_FALSE(is_progress(full, full));
}

}  // namespace
}  // namespace reversi

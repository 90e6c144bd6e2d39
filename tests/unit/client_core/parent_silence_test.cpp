#include "client/core/parent_silence.h"

#include <gtest/gtest.h>

namespace reversi::client {
namespace {

using namespace std::chrono_literals;

class ParentSilenceTest : public ::testing::Test {
 protected:
  /// Looks when it is time, `late` each time; the looks until it is over, or 0 if it is not within `time`.
  int looks_within(Millis time, Millis late = 0ms) {
    const MonoTime end = now + time;
    for (int looks = 1; silence.look_at() + late <= end; ++looks) {
      now = silence.look_at() + late;
      if (silence.is_over(now)) return looks;
    }
    now = end;
    return 0;
  }

  MonoTime now{1h};
  ParentSilence silence{now};
};

TEST_F(ParentSilenceTest, ThirtySecondsWithoutALineAndTwoWakeUpsEndIt) {
  const MonoTime began = now;
  EXPECT_EQ(looks_within(10min), 2);
  EXPECT_EQ(now - began, 30s);
}

TEST_F(ParentSilenceTest, ALineEveryTenSecondsNeverWakesUs) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_GT(silence.look_at(), now + 10s);
    silence.heard(now += 10s);
  }
}

TEST_F(ParentSilenceTest, ALookBeforeItsTimeSaysNothing) {
  EXPECT_FALSE(silence.is_over(now + 29s));
  EXPECT_FALSE(silence.is_over(now + 29s));
  EXPECT_EQ(looks_within(10min), 2);
}

TEST_F(ParentSilenceTest, AWorkerThatWasStoppedHearsWhatLiesUnreadBeforeItJudges) {
  now += 30s + 900ms;  // stopped from the first second on
  EXPECT_FALSE(silence.is_over(now));
  silence.heard(now + 1ms);
  EXPECT_EQ(silence.look_at(), now + 1ms + 29s + 500ms);
}

TEST_F(ParentSilenceTest, WhoOversleptWaitsTheWholeTimeOnceMore) {
  now += 5min;
  EXPECT_FALSE(silence.is_over(now));
  EXPECT_EQ(looks_within(29s), 0);
  EXPECT_EQ(looks_within(1s), 2);
}

TEST_F(ParentSilenceTest, AStopBetweenTheLooksCountsToo) {
  EXPECT_FALSE(silence.is_over(now = silence.look_at()));
  EXPECT_FALSE(silence.is_over(now += 10s));
  EXPECT_FALSE(silence.is_over(now += 29s));
}

TEST_F(ParentSilenceTest, ABusyMachineThatWakesUsLateStillFindsIt) {
  const MonoTime began = now;
  EXPECT_EQ(looks_within(10min, 1s), 2);
  EXPECT_EQ(now - began, 32s);
}

}  // namespace
}  // namespace reversi::client

#include "client/core/probe_matcher.h"

#include <gtest/gtest.h>

namespace reversi::client {
namespace {

using namespace std::chrono_literals;
using Match = ProbeMatcher::Match;

class ProbeMatcherTest : public ::testing::Test {
 protected:
  MonoTime now{1h};
  ProbeMatcher matcher;
};

TEST_F(ProbeMatcherTest, AProbeThatIsAnnouncedFirstMatchesWhenItsTargetAnswered) {
  EXPECT_FALSE(matcher.watch(7, 5000, 2500ms, now));
  matcher.channel_opened(5000, now += 5ms);
  EXPECT_EQ(matcher.target_answered(5000, TargetOutcome::ok, now += 5ms),
            (Match{7, TargetOutcome::ok}));
}

TEST_F(ProbeMatcherTest, AProbeThatArrivesFirstMatchesWhenItIsAnnounced) {
  matcher.channel_opened(5000, now);
  EXPECT_FALSE(matcher.target_answered(5000, TargetOutcome::refused, now));
  EXPECT_EQ(matcher.watch(7, 5000, 2500ms, now += 9s), (Match{7, TargetOutcome::refused}));
}

TEST_F(ProbeMatcherTest, AnAnnouncementBetweenOpeningAndAnswerWaitsForTheAnswer) {
  matcher.channel_opened(5000, now);
  EXPECT_FALSE(matcher.watch(7, 5000, 2500ms, now));
  EXPECT_EQ(matcher.target_answered(5000, TargetOutcome::timeout, now += 10s),
            (Match{7, TargetOutcome::timeout}));
}

TEST_F(ProbeMatcherTest, ATargetThatDoesNotAnswerIsReportedBeforeTheAgentGivesUp) {
  EXPECT_FALSE(matcher.watch(7, 5000, 2500ms, now));
  EXPECT_TRUE(matcher.overdue(now += 10s).empty()) << "nothing arrived: no path is proven";
  EXPECT_EQ(matcher.next_overdue(), std::nullopt);
  matcher.channel_opened(5000, now);
  EXPECT_EQ(matcher.next_overdue(), now + 2500ms);
  EXPECT_TRUE(matcher.overdue(now += 2499ms).empty());
  EXPECT_EQ(matcher.overdue(now += 1ms), (std::vector{Match{7, TargetOutcome::timeout}}));
  EXPECT_TRUE(matcher.overdue(now += 1s).empty()) << "once";
  EXPECT_EQ(matcher.next_overdue(), std::nullopt);
  EXPECT_FALSE(matcher.target_answered(5000, TargetOutcome::timeout, now));
}

TEST_F(ProbeMatcherTest, TheProbeThatIsOverdueFirstIsLookedAtFirst) {
  matcher.channel_opened(5000, now);
  EXPECT_FALSE(matcher.watch(7, 5000, 2500ms, now));
  matcher.channel_opened(5001, now += 1s);
  EXPECT_FALSE(matcher.watch(8, 5001, 500ms, now));
  EXPECT_EQ(matcher.next_overdue(), now + 500ms);
  EXPECT_EQ(matcher.overdue(now += 500ms), (std::vector{Match{8, TargetOutcome::timeout}}));
  EXPECT_EQ(matcher.next_overdue(), now + 1s);
  EXPECT_TRUE(matcher.target_answered(5000, TargetOutcome::ok, now));
  EXPECT_EQ(matcher.next_overdue(), std::nullopt);
}

TEST_F(ProbeMatcherTest, AMatchIsReportedOnce) {
  matcher.channel_opened(5000, now);
  EXPECT_FALSE(matcher.target_answered(5000, TargetOutcome::ok, now));
  EXPECT_TRUE(matcher.watch(7, 5000, 2500ms, now));
  EXPECT_FALSE(matcher.watch(8, 5000, 2500ms, now));
}

TEST_F(ProbeMatcherTest, AChannelOfSomebodyElseProvesNothing) {
  matcher.channel_opened(5001, now);
  EXPECT_FALSE(matcher.target_answered(5001, TargetOutcome::ok, now));
  EXPECT_FALSE(matcher.watch(7, 5000, 2500ms, now));
}

TEST_F(ProbeMatcherTest, AnOldChannelProvesNothingBecausePortsAreUsedAgain) {
  matcher.channel_opened(5000, now);
  EXPECT_FALSE(matcher.target_answered(5000, TargetOutcome::ok, now));
  EXPECT_FALSE(matcher.watch(7, 5000, 2500ms, now += 10'001ms));
}

TEST_F(ProbeMatcherTest, AnAnnouncementThatNobodyMeetsIsForgotten) {
  EXPECT_FALSE(matcher.watch(7, 5000, 2500ms, now));
  matcher.channel_opened(5000, now += 61s);
  EXPECT_FALSE(matcher.target_answered(5000, TargetOutcome::ok, now));
}

TEST_F(ProbeMatcherTest, ThePortsOfTheLast256ChannelsAreRemembered) {
  for (Port port = 1; port <= 257; ++port) {
    matcher.channel_opened(port, now);
    EXPECT_FALSE(matcher.target_answered(port, TargetOutcome::ok, now));
  }
  EXPECT_FALSE(matcher.watch(1, 1, 2500ms, now));
  EXPECT_TRUE(matcher.watch(2, 2, 2500ms, now));
}

TEST_F(ProbeMatcherTest, APortThatIsUsedAgainMeansTheNewChannel) {
  matcher.channel_opened(5000, now);
  EXPECT_FALSE(matcher.target_answered(5000, TargetOutcome::ok, now));
  matcher.channel_opened(5000, now += 1s);
  EXPECT_FALSE(matcher.watch(7, 5000, 2500ms, now));
  EXPECT_EQ(matcher.target_answered(5000, TargetOutcome::refused, now),
            (Match{7, TargetOutcome::refused}));
}

}  // namespace
}  // namespace reversi::client

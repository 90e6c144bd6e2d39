#include "server/core/eviction.h"

#include <gtest/gtest.h>

namespace reversi::server {
namespace {

Recorded live_session() {
  Recorded recorded;
  recorded.record.run = "run-1";
  recorded.is_this_boot = true;
  recorded.sshd_lives = true;
  recorded.agent_lives = true;
  recorded.silence = Millis{3'000};
  return recorded;
}

constexpr ProcessId kNewcomer{20, 200};

Claim claim_by(const std::optional<Recorded>& recorded, std::string_view run) {
  return decide_claim(recorded, run, kNewcomer).claim;
}

TEST(DecideClaim, NothingRecordedIsFree) {
  EXPECT_EQ(claim_by(std::nullopt, "run-1"), Claim::free);
}

TEST(DecideClaim, ASessionOfAnotherBootIsFreeWhateverItsPidsDoNow) {
  Recorded recorded = live_session();
  recorded.is_this_boot = false;
  EXPECT_EQ(claim_by(recorded, "run-2"), Claim::free);
}

TEST(DecideClaim, ASessionWhoseProcessesAreGoneIsFree) {
  Recorded recorded = live_session();
  recorded.sshd_lives = false;
  recorded.agent_lives = false;
  EXPECT_EQ(claim_by(recorded, "run-2"), Claim::free);
}

TEST(DecideClaim, TheSameSupervisorEvictsItsOldSessionAtOnce) {
  EXPECT_EQ(claim_by(live_session(), "run-1"), Claim::evict);
}

TEST(DecideClaim, AnotherSupervisorChallengesAFreshSession) {
  EXPECT_EQ(claim_by(live_session(), "run-2"), Claim::challenge);
  Recorded unknown_age = live_session();
  unknown_age.silence.reset();
  EXPECT_EQ(claim_by(unknown_age, "run-2"), Claim::challenge);
}

TEST(DecideClaim, ASupervisorWithoutANameIsNeverTheSame) {
  Recorded recorded = live_session();
  recorded.record.run = "";
  EXPECT_EQ(claim_by(recorded, ""), Claim::challenge);
}

TEST(DecideClaim, SilenceEvictsUnaskedOnlyWhereNobodyCouldAnswer) {
  Recorded recorded = live_session();
  recorded.silence = recorded.dead_after + Millis{1};
  EXPECT_EQ(claim_by(recorded, "run-2"), Claim::challenge) << "the clock may have been set";
  recorded.agent_is_stopped = true;
  EXPECT_EQ(claim_by(recorded, "run-2"), Claim::evict);
}

TEST(DecideClaim, AnOlderConnectionOfTheSameRunStaysAwayFromALiveNewerOne) {
  Recorded recorded = live_session();
  recorded.record.sshd = {30, kNewcomer.start_time + 1};
  EXPECT_EQ(claim_by(recorded, "run-1"), Claim::stay_away);
  EXPECT_EQ(claim_by(recorded, "run-2"), Claim::challenge);
  recorded.agent_lives = false;
  EXPECT_EQ(claim_by(recorded, "run-1"), Claim::evict);
}

TEST(DecideClaim, WhatIsLeftOfHalfASessionIsEvictedWithoutAChallenge) {
  Recorded no_agent = live_session();
  no_agent.agent_lives = false;
  EXPECT_EQ(claim_by(no_agent, "run-2"), Claim::evict);
  Recorded no_sshd = live_session();
  no_sshd.sshd_lives = false;
  EXPECT_EQ(claim_by(no_sshd, "run-2"), Claim::evict);
}

TEST(DuplicateRetry, DoublesFromAMinuteToTen) {
  const ServerPolicy policy;
  EXPECT_EQ(duplicate_retry(policy, 1), Millis{60'000});
  EXPECT_EQ(duplicate_retry(policy, 2), Millis{120'000});
  EXPECT_EQ(duplicate_retry(policy, 4), Millis{480'000});
  EXPECT_EQ(duplicate_retry(policy, 5), Millis{600'000});
  EXPECT_EQ(duplicate_retry(policy, 1'000'000'000), Millis{600'000});
}

HolderCandidate candidate(std::int64_t pid, std::uint64_t switches, bool is_stopped = false) {
  return {{pid, pid * 10}, is_stopped, switches};
}

/// A round in which the first look and the second say the same.
HolderGuess guess(const std::vector<HolderCandidate>& before,
                  const std::vector<HolderCandidate>& after) {
  return guess_holder({before, before, after});
}

TEST(GuessHolder, IsTheOneThatWokeUp) {
  const auto found = guess({candidate(1, 100), candidate(2, 100), candidate(3, 100)},
                           {candidate(1, 102), candidate(2, 115), candidate(3, 100)});
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 2);
  EXPECT_FALSE(found.is_doubtful);
}

TEST(GuessHolder, IsNobodyWhenTwoWokeUpOrNone) {
  const std::vector<HolderCandidate> before{candidate(1, 100), candidate(2, 100)};
  EXPECT_FALSE(guess(before, {candidate(1, 110), candidate(2, 115)}).holder);
  EXPECT_FALSE(guess(before, {candidate(1, 107), candidate(2, 100)}).holder);
  EXPECT_FALSE(guess({}, {}).holder);
}

TEST(GuessHolder, IgnoresWhoCameMeanwhileAndAReusedPid) {
  EXPECT_FALSE(guess({candidate(1, 100)}, {candidate(1, 100), candidate(9, 500)}).holder);
  HolderCandidate reused = candidate(1, 500);
  reused.id.start_time += 1;
  EXPECT_FALSE(guess({candidate(1, 100)}, {reused}).holder);
}

TEST(GuessHolder, TakesAStoppedOneOnlyIfItIsTheSoleCandidate) {
  const HolderCandidate stopped = candidate(1, 100, true);
  ASSERT_TRUE(guess({stopped}, {stopped}).holder);
  EXPECT_FALSE(guess({stopped, candidate(2, 5)}, {stopped, candidate(2, 5)}).holder);
}

TEST(GuessHolder, OneThatWokeBesideAStoppedOneNeedsMoreRounds) {
  const HolderCandidate stopped = candidate(1, 100, true);
  const auto found = guess({stopped, candidate(2, 5)}, {stopped, candidate(2, 20)});
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 2);
  EXPECT_TRUE(found.is_doubtful);
}

TEST(GuessHolder, PassesOverTheBusyAndSaysSo) {
  // Process 1 carries somebody's stream: it wakes whether we knock or not.
  const auto found = guess_holder({{candidate(1, 100), candidate(2, 100)},
                                   {candidate(1, 150), candidate(2, 103)},
                                   {candidate(1, 210), candidate(2, 118)}});
  ASSERT_TRUE(found.holder);
  EXPECT_EQ(found.holder->pid, 2);
  EXPECT_TRUE(found.is_doubtful);
  const auto alone = guess_holder({{candidate(1, 100)}, {candidate(1, 104)}, {candidate(1, 120)}});
  EXPECT_FALSE(alone.holder) << "it may be a user's, at work";
}

}  // namespace
}  // namespace reversi::server

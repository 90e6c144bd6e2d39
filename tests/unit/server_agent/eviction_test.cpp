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

TEST(FindHolder, IsTheOneThatWokeUp) {
  const auto holder = find_holder({candidate(1, 100), candidate(2, 100), candidate(3, 100)},
                                  {candidate(1, 100), candidate(2, 115), candidate(3, 101)});
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->pid, 2);
}

TEST(FindHolder, IsNobodyWhenTwoWokeUpOrNone) {
  const std::vector<HolderCandidate> before{candidate(1, 100), candidate(2, 100)};
  EXPECT_FALSE(find_holder(before, {candidate(1, 110), candidate(2, 115)}));
  EXPECT_FALSE(find_holder(before, {candidate(1, 107), candidate(2, 100)}));
  EXPECT_FALSE(find_holder({}, {}));
}

TEST(FindHolder, IgnoresWhoCameMeanwhileAndAReusedPid) {
  EXPECT_FALSE(find_holder({candidate(1, 100)}, {candidate(1, 100), candidate(9, 500)}));
  HolderCandidate reused = candidate(1, 500);
  reused.id.start_time += 1;
  EXPECT_FALSE(find_holder({candidate(1, 100)}, {reused}));
}

TEST(FindHolder, TakesAStoppedOneOnlyIfItIsTheSoleCandidate) {
  const HolderCandidate stopped = candidate(1, 100, true);
  ASSERT_TRUE(find_holder({stopped}, {stopped}));
  EXPECT_FALSE(find_holder({stopped, candidate(2, 5)}, {stopped, candidate(2, 5)}));
  EXPECT_FALSE(find_holder({stopped, candidate(2, 5)}, {stopped, candidate(2, 20)}))
      << "the one that woke may be busy, and the stopped one the holder";
}

TEST(IsQuiet, UntilSomebodyWakesOfItsOwnAccord) {
  const std::vector<HolderCandidate> earlier{candidate(1, 100), candidate(2, 100)};
  EXPECT_TRUE(is_quiet(earlier, {candidate(1, 103), candidate(2, 100), candidate(9, 500)}));
  EXPECT_FALSE(is_quiet(earlier, {candidate(1, 104), candidate(2, 100)}));
}

}  // namespace
}  // namespace reversi::server

#include "server/core/verdict.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "tests/unit/server_agent/session_fixture.h"

namespace reversi::server {
namespace {

using VerdictTable = SessionTest;

/// Every row of the table has a test of its own; this is which.
constexpr std::array kTestOfRow{
    std::pair{Sight::unknown_holder,
              std::string_view{"APortHeldByAStaleSessionIsLookedAtEveryMinuteUntilItIsFree"}},
    std::pair{Sight::foreign_listener,
              std::string_view{"APortHeldByAnotherIsReportedAndAskedForEveryMinute"}},
    std::pair{Sight::refused, std::string_view{"APortThatTwiceRefusesIsForwardedAgain"}},
    std::pair{Sight::no_path, std::string_view{"AProbeThatTwiceDoesNotArriveRestartsTheSession"}},
    std::pair{Sight::no_path_yet, std::string_view{"AProbeUnderWayOnABusyLinkIsSlowAndKept"}},
    std::pair{Sight::target_unreachable,
              std::string_view{"AServiceThatIsDownIsReportedAndTheSessionKept"}},
    std::pair{Sight::no_answer, std::string_view{"AServiceThatHangsIsReportedAndTheSessionKept"}},
    std::pair{Sight::no_answer_yet, std::string_view{"AnAnswerThatASlowLinkOwesIsSlowAndKept"}},
    std::pair{Sight::other_answer, std::string_view{"AWrongAnswerIsReportedAndTheSessionKept"}},
    std::pair{Sight::expected_answer, std::string_view{"TheExpectedAnswerIsHealthy"}},
    std::pair{Sight::unknown_to_server,
              std::string_view{"AForwardThatTheServerDoesNotKnowIsNotGranted"}},
    std::pair{Sight::unknown_to_node,
              std::string_view{"AGrantThatTheNodeDoesNotAskForIsNotRequested"}},
    std::pair{Sight::not_probed, std::string_view{"AProbeThatCannotBeMadeChangesNoVerdict"}},
};

bool has_test(std::string_view name) {
  const auto& all = *::testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const auto& suite = *all.GetTestSuite(i);
    if (std::string_view(suite.name()) != "VerdictTable") continue;
    for (int j = 0; j < suite.total_test_count(); ++j) {
      if (suite.GetTestInfo(j)->name() == name) return true;
    }
  }
  return false;
}

TEST(VerdictRows, EveryRowHasATestThatIsNamedAfterIt) {
  for (const VerdictRow& row : kVerdictRows) {
    const auto* named =
        std::ranges::find(kTestOfRow, row.sight, &decltype(kTestOfRow)::value_type::first);
    ASSERT_NE(named, kTestOfRow.end()) << "no test is named for " << verdict_name(row.verdict);
    EXPECT_TRUE(has_test(named->second)) << named->second;
  }
  EXPECT_EQ(kTestOfRow.size(), kVerdictRows.size());
}

TEST(VerdictRows, OnlyADeadTunnelOrALostPortEverCostsTheSession) {
  for (const VerdictRow& row : kVerdictRows) {
    const bool may_restart = row.cure == Cure::restart || row.cure == Cure::forward_again;
    EXPECT_EQ(may_restart, row.verdict == Verdict::hung || row.verdict == Verdict::not_listening);
    EXPECT_EQ(row.strikes, may_restart ? 2 : 1);
  }
}

TEST_F(VerdictTable, APortHeldByAnotherIsReportedAndAskedForEveryMinute) {
  says(hello({"ssh", "web"}));
  after(Millis{5}, claimed());
  says(Forwarded{"ssh", false, "remote port forwarding failed"});
  says(Forwarded{"web", true, ""});
  says(Ready{});
  ASSERT_NE(done<StartProbe>(), nullptr);
  EXPECT_TRUE(done<StartProbe>()->is_refused) << "look who has it, connect to nobody";
  probed(Sight::expected_answer, "web");
  probed(Sight::foreign_listener);
  EXPECT_EQ(verdict(0), Verdict::port_taken);
  EXPECT_EQ(verdict(1), Verdict::healthy);
  EXPECT_EQ(sent<Restart>(), nullptr);
  after(Millis{20'000}, Received{Heartbeat{1}});
  EXPECT_EQ(sent<ForwardAgain>(), nullptr);
  after(Millis{20'000}, Received{Heartbeat{2}});
  after(Millis{20'000}, Tick{});
  ASSERT_NE(sent<ForwardAgain>(), nullptr);
  EXPECT_EQ(sent<ForwardAgain>()->forward, "ssh");
}

TEST_F(VerdictTable, APortHeldByAStaleSessionIsLookedAtEveryMinuteUntilItIsFree) {
  says(hello({"ssh", "web"}));
  after(Millis{5}, claimed());
  says(Forwarded{"ssh", true, ""});
  says(Forwarded{"web", false, "remote port forwarding failed"});
  says(Ready{});
  probed(Sight::expected_answer, "ssh");
  probed(Sight::unknown_holder, "web");
  EXPECT_EQ(verdict(1), Verdict::port_taken);
  for (int minute = 1; minute <= 2; ++minute) {
    after(Millis{30'000}, Received{Heartbeat{minute}});
    EXPECT_EQ(done<FreePort>(), nullptr);
    says(Check{"web"});
    probed(Sight::unknown_holder, "web");  // no news, and no reason to wait any longer
    after(Millis{29'980}, Tick{});
    ASSERT_NE(done<FreePort>(), nullptr);
    EXPECT_EQ(done<FreePort>()->port, 20002);
    EXPECT_EQ(sent<ForwardAgain>(), nullptr) << "not before the port was looked at";
    after(Millis{1'000}, PortLookedAt{"web", minute == 2});
    ASSERT_NE(sent<ForwardAgain>(), nullptr);
    EXPECT_EQ(sent<ForwardAgain>()->forward, "web");
    says(Forwarded{"web", minute == 2, "remote port forwarding failed"});
    probed(minute == 2 ? Sight::expected_answer : Sight::unknown_holder, "web");
  }
  EXPECT_EQ(status().counters.evictions, 1);
  EXPECT_EQ(verdict(1), Verdict::healthy);
  EXPECT_EQ(sent<Restart>(), nullptr);
}

TEST_F(VerdictTable, TwoTakenPortsAreLookedAtOneAfterTheOther) {
  says(hello({"ssh", "web"}));
  after(Millis{5}, claimed());
  for (const char* name : {"ssh", "web"}) says(Forwarded{name, false, "refused"});
  says(Ready{});
  for (const char* name : {"ssh", "web"}) probed(Sight::unknown_holder, name);
  after(Millis{30'000}, Received{Heartbeat{1}});
  after(Millis{30'000}, Tick{});
  ASSERT_NE(done<FreePort>(), nullptr);
  EXPECT_EQ(done<FreePort>()->forward, "ssh");
  EXPECT_EQ(count<FreePort>(), 1U);
  after(Millis{5'000}, Tick{});
  EXPECT_EQ(done<FreePort>(), nullptr) << "the other one is still looked at";
  after(Millis{100}, PortLookedAt{"ssh", false});
  after(Millis{5'000}, Tick{});
  ASSERT_NE(done<FreePort>(), nullptr);
  EXPECT_EQ(done<FreePort>()->forward, "web");
}

TEST_F(VerdictTable, HalfAPortIsAskedForAsSoonAsTheOtherHalfIsFree) {
  serve();
  probed(Sight::foreign_listener);
  EXPECT_EQ(verdict(), Verdict::port_taken);
  says(Check{});
  probed(Sight::expected_answer);
  EXPECT_EQ(verdict(), Verdict::healthy);
  ASSERT_NE(sent<ForwardAgain>(), nullptr);
  says(Forwarded{"ssh", true, ""});
  probed(Sight::expected_answer);
  EXPECT_EQ(sent<ForwardAgain>(), nullptr) << "once";
}

TEST_F(VerdictTable, ASecondRequestThatFailsTakesNothingAway) {
  serve();
  probed(Sight::foreign_listener);
  says(Forwarded{"ssh", false, "remote port forwarding failed"});
  ASSERT_NE(done<StartProbe>(), nullptr);
  EXPECT_FALSE(done<StartProbe>()->is_refused);
}

TEST_F(VerdictTable, APortThatTwiceRefusesIsForwardedAgain) {
  serve();
  probed(Sight::refused);
  EXPECT_EQ(verdict(), Verdict::unknown);
  EXPECT_NE(done<StartProbe>(), nullptr) << "the second probe follows at once";
  probed(Sight::refused);
  EXPECT_EQ(verdict(), Verdict::not_listening);
  ASSERT_NE(sent<ForwardAgain>(), nullptr);
  EXPECT_EQ(sent<Restart>(), nullptr);
}

TEST_F(VerdictTable, AProbeThatTwiceDoesNotArriveRestartsTheSession) {
  serve();
  probed(Sight::no_path);
  EXPECT_EQ(verdict(), Verdict::unknown);
  EXPECT_EQ(sent<Restart>(), nullptr);
  EXPECT_NE(done<StartProbe>(), nullptr) << "the second probe follows at once";
  probed(Sight::no_path);
  EXPECT_EQ(verdict(), Verdict::hung);
  ASSERT_NE(sent<Restart>(), nullptr);
  after(Millis{2'900}, Tick{});
  EXPECT_EQ(done<EndSession>(), nullptr);
  after(Millis{100}, Tick{});
  ASSERT_NE(done<EndSession>(), nullptr);
  EXPECT_TRUE(done<EndSession>()->kill_sshd);
}

TEST_F(VerdictTable, AProbeUnderWayOnABusyLinkIsSlowAndKept) {
  serve();
  after(Millis{5'000}, ProbeSlow{"ssh"});
  EXPECT_EQ(verdict(), Verdict::slow);
  EXPECT_EQ(done<StartProbe>(), nullptr) << "the same probe goes on";
  probed(Sight::expected_answer, "ssh", Millis{7'000});
  EXPECT_EQ(verdict(), Verdict::healthy);
}

TEST_F(VerdictTable, ABusyLinkDoesNotHideThatEveryProbeIsLost) {
  serve();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(sent<Restart>(), nullptr);
    after(Millis{5'000}, ProbeSlow{"ssh"});
    probed(Sight::no_path, "ssh", Millis{15'000});
  }
  EXPECT_NE(sent<Restart>(), nullptr);
}

TEST_F(VerdictTable, AServiceThatIsDownIsReportedAndTheSessionKept) {
  serve();
  judged(Sight::target_unreachable);
  EXPECT_EQ(verdict(), Verdict::service_down);
  EXPECT_NE(sent<VerdictReport>(), nullptr);
  EXPECT_EQ(logged(EventKind::verdict), nullptr) << "not of a session so young";
  after(Millis{5'000}, Tick{});
  EXPECT_NE(logged(EventKind::verdict), nullptr);
  EXPECT_EQ(count<EndSession>(), 0U);
}

TEST_F(VerdictTable, AServiceThatHangsIsReportedAndTheSessionKept) {
  serve();
  judged(Sight::no_answer);
  EXPECT_EQ(verdict(), Verdict::service_hung);
  EXPECT_EQ(count<EndSession>(), 0U);
}

TEST_F(VerdictTable, AnAnswerThatASlowLinkOwesIsSlowAndKept) {
  serve();
  judged(Sight::no_answer_yet);
  EXPECT_EQ(verdict(), Verdict::slow);
  EXPECT_EQ(count<EndSession>(), 0U);
}

TEST_F(VerdictTable, AWrongAnswerIsReportedAndTheSessionKept) {
  serve();
  judged(Sight::other_answer);
  EXPECT_EQ(verdict(), Verdict::wrong_answer);
  EXPECT_EQ(status().forwards[0].reason, "what was seen");
  EXPECT_EQ(count<EndSession>(), 0U);
}

TEST_F(VerdictTable, TheExpectedAnswerIsHealthy) {
  serve();
  judged(Sight::expected_answer);
  EXPECT_EQ(verdict(), Verdict::healthy);
  EXPECT_EQ(status().state, NodeState::up);
  EXPECT_EQ(status().forwards[0].latency, Millis{3});
}

TEST_F(VerdictTable, AForwardThatTheServerDoesNotKnowIsNotGranted) {
  says(hello({"ssh", "cam"}));
  after(Millis{5}, claimed());
  ASSERT_NE(sent<Welcome>(), nullptr);
  EXPECT_EQ(sent<Welcome>()->not_granted, std::vector<std::string>{"cam"});
  EXPECT_EQ(verdict(1), Verdict::not_granted);
}

TEST_F(VerdictTable, AGrantThatTheNodeDoesNotAskForIsNotRequested) {
  says(hello());
  after(Millis{5}, claimed());
  says(Forwarded{"ssh", true, ""});
  says(Ready{});
  ASSERT_EQ(status().forwards.size(), 2U);
  EXPECT_EQ(status().forwards[1].name, "web");
  EXPECT_EQ(verdict(1), Verdict::not_requested);
  judged(Sight::expected_answer);
  EXPECT_EQ(status().state, NodeState::degraded);
}

TEST_F(VerdictTable, AProbeThatCannotBeMadeChangesNoVerdict) {
  serve();
  judged(Sight::target_unreachable);
  const auto checks = status().counters.checks;
  says(Check{}, Millis{2'000});
  probed(Sight::not_probed);
  EXPECT_EQ(verdict(), Verdict::service_down);
  EXPECT_EQ(status().state, NodeState::degraded);
  EXPECT_EQ(status().forwards[0].reason, "what was seen");
  EXPECT_EQ(status().counters.checks, checks) << "nothing was checked";
  after(Millis{4'999}, Tick{});
  EXPECT_EQ(done<StartProbe>(), nullptr);
  EXPECT_LE(session.next_deadline(), now.mono + Millis{1});
  after(Millis{1}, Tick{});
  EXPECT_NE(done<StartProbe>(), nullptr) << "it is tried again";
}

TEST_F(VerdictTable, AForwardThatNeverCanBeProbedIsDegradedInTheEnd) {
  serve();
  for (int i = 0; i < 6; ++i) {
    probed(Sight::not_probed);
    EXPECT_EQ(status().state, NodeState::unknown);
    after(Millis{5'000}, Tick{});
    ASSERT_NE(done<StartProbe>(), nullptr);
  }
  probed(Sight::not_probed);
  EXPECT_EQ(status().state, NodeState::degraded);
  EXPECT_EQ(count<EndSession>(), 0U);
}

TEST(Combine, AFamilyThatCouldNotBeProbedHidesNothingThatTheOtherShows) {
  const ProbeReport none{Sight::not_probed, "too many open files", {}};
  const ProbeReport good{Sight::expected_answer, {}, Millis{4}};
  const ProbeReport lost{Sight::no_path, "nothing arrived", {}};
  const ProbeReport closed{Sight::refused, "refused", {}};
  EXPECT_EQ(combine({none, good}).sight, Sight::expected_answer);
  EXPECT_EQ(combine({lost, none}).sight, Sight::no_path);
  EXPECT_EQ(combine({closed, none}).sight, Sight::not_probed);
}

TEST(Combine, OneFamilyThatLeadsHereProvesTheOtherForeign) {
  const ProbeReport good{Sight::expected_answer, {}, Millis{4}};
  const ProbeReport lost{Sight::no_path, "nothing arrived", {}};
  const ProbeReport closed{Sight::refused, "refused", {}};
  EXPECT_EQ(combine({good, lost}).sight, Sight::foreign_listener);
  EXPECT_EQ(combine({lost, good}).sight, Sight::foreign_listener);
  EXPECT_EQ(combine({lost, lost}).sight, Sight::no_path);
  EXPECT_EQ(combine({good, closed}).sight, Sight::expected_answer) << "AddressFamily inet";
  EXPECT_EQ(combine({closed, closed}).sight, Sight::refused);
  EXPECT_EQ(combine({closed, lost}).sight, Sight::no_path);
}

TEST(Combine, TheServiceIsJudgedByTheFamilyThatWasAsked) {
  const ProbeReport wrong{Sight::other_answer, "another banner", {}};
  const ProbeReport path_only{Sight::expected_answer, {}, Millis{1}};
  EXPECT_EQ(combine({wrong, path_only}).sight, Sight::other_answer);
}

TEST(JudgeSilence, IsTheServicesOnAFastLinkAndNobodysOnASlowOne) {
  constexpr Millis kLimit{5'000};
  EXPECT_EQ(judge_silence(kLimit, Millis{20}), Sight::no_answer);
  EXPECT_EQ(answer_limit(kLimit, Millis{20}), kLimit);
  EXPECT_EQ(judge_silence(kLimit, Millis{8'000}), Sight::no_answer_yet);
  EXPECT_EQ(answer_limit(kLimit, Millis{8'000}), Millis{24'000});
  EXPECT_EQ(answer_limit(kLimit, Millis{40'000}), Millis{60'000});
}

TEST(JudgeTarget, EveryOutcomeButOkIsAServiceThatIsDown) {
  EXPECT_FALSE(judge_target(TargetOutcome::ok));
  for (const auto outcome :
       {TargetOutcome::refused, TargetOutcome::timeout, TargetOutcome::unreachable}) {
    ASSERT_TRUE(judge_target(outcome));
    EXPECT_EQ(judge_target(outcome)->sight, Sight::target_unreachable);
    EXPECT_FALSE(judge_target(outcome)->reason.empty());
  }
}

}  // namespace
}  // namespace reversi::server

// Long because the agent session is one machine, and each sentence about it is a test of this file.

#include "server/core/agent_session.h"

#include "tests/unit/server_agent/session_fixture.h"

namespace reversi::server {
namespace {

// ---- hello

TEST_F(SessionTest, AHelloOfItsNodeStartsTheClaim) {
  says(hello());
  ASSERT_NE(done<StartClaim>(), nullptr);
  EXPECT_EQ(done<StartClaim>()->hello.run, "run-1");
  after(Millis{5}, claimed());
  ASSERT_NE(sent<Welcome>(), nullptr);
  EXPECT_EQ(sent<Welcome>()->session, "s1");
  EXPECT_EQ(sent<Welcome>()->grants, (std::vector<Grant>{{"ssh", "localhost:20001"}}));
  EXPECT_NE(done<TouchAlive>(), nullptr);
  EXPECT_NE(done<WriteStatus>(), nullptr);
}

TEST_F(SessionTest, WhatANodeSaysOfItselfCannotSteerATerminal) {
  Hello hostile = hello();
  const std::string bad =
      "a\x7F\xC2\x9B"
      "31m";
  hostile.client_version = hostile.os = hostile.arch = hostile.instance = hostile.machine = bad;
  hostile.forwards[0].target = bad;
  says(hostile);
  ASSERT_NE(done<StartClaim>(), nullptr);
  EXPECT_EQ(done<StartClaim>()->hello.machine, "a??31m");
  after(Millis{5}, claimed());
  const NodeStatus seen = status();
  for (const std::string& text :
       {seen.session->client_version, seen.session->os, seen.session->arch, seen.session->instance,
        seen.session->machine, seen.forwards.at(0).target}) {
    EXPECT_EQ(text, "a??31m");
  }
}

TEST_F(SessionTest, NoHelloInTimeEndsTheSessionWithoutAnEvent) {
  EXPECT_EQ(session.next_deadline(), now.mono + Millis{10'000});
  after(Millis{10'000}, Tick{});
  ASSERT_NE(done<EndSession>(), nullptr);
  EXPECT_TRUE(done<EndSession>()->kill_sshd);
  EXPECT_EQ(count<LogEvent>(), 0U);
}

TEST_F(SessionTest, WhateverIsNoHelloOfThisNodeEndsTheSessionWithOneEvent) {
  Hello other = hello();
  other.node = "node-b";
  const std::vector<AgentEvent> offences{
      Received{Heartbeat{1}},          Received{Ready{}},
      Received{Unknown{"mystery"}},    Received{other},
      Received{hello({"ssh", "ssh"})}, BadInput{"not a JSON object"}};
  for (const AgentEvent& offence : offences) {
    AgentSession fresh{{.node = "node-a"}, Millis{10'000}, now};
    const AgentActions actions_now = fresh.step(offence, now);
    ASSERT_EQ(actions_now.size(), 2U);
    EXPECT_EQ(std::get<LogEvent>(actions_now[0]).event.kind, EventKind::protocol_error);
    EXPECT_TRUE(std::get<EndSession>(actions_now[1]).kill_sshd);
    EXPECT_TRUE(fresh.step(offence, now).empty()) << "nothing after the end";
  }
}

TEST_F(SessionTest, ALineBeforeWelcomeIsOutOfOrder) {
  says(hello());
  says(Ready{});
  EXPECT_NE(logged(EventKind::protocol_error), nullptr);
  EXPECT_NE(done<EndSession>(), nullptr);
}

TEST_F(SessionTest, ASecondHelloOrAForwardThatWasNotGrantedIsAnOffence) {
  serve();
  says(Forwarded{"web", true, ""});
  EXPECT_NE(logged(EventKind::protocol_error), nullptr);
  EXPECT_TRUE(session.is_ended());
}

TEST_F(SessionTest, AYoungSessionThatOffendsLeavesOneEventWhateverItsVerdicts) {
  serve();
  judged(Sight::refused);
  after(Millis{10}, BadInput{"not a JSON object"});
  EXPECT_EQ(count<LogEvent>(), 1U);
  EXPECT_NE(logged(EventKind::protocol_error), nullptr);
}

TEST_F(SessionTest, TheVerdictsOfAShortSessionAreLoggedAtItsEnd) {
  serve();
  judged(Sight::no_path);
  EXPECT_EQ(count<LogEvent>(), 0U);
  after(Millis{3'000}, Tick{});
  EXPECT_NE(logged(EventKind::verdict), nullptr);
}

TEST_F(SessionTest, GarbageFromAClientThatWasToldToGoEndsTheWait) {
  serve();
  says(Bye{"reload"});
  after(Millis{10}, BadInput{"not a JSON object"});
  ASSERT_NE(done<EndSession>(), nullptr);
  EXPECT_EQ(done<EndSession>()->why, "the node said good-bye: reload");
  EXPECT_EQ(count<LogEvent>(), 0U);
}

TEST_F(SessionTest, AfterWelcomeUnknownTypesAreIgnored) {
  serve();
  says(Unknown{"telemetry"});
  EXPECT_FALSE(session.is_ended());
}

TEST_F(SessionTest, AnyProtocolVersionIsWelcome) {
  Hello newer = hello();
  newer.protocol = 7;
  says(newer);
  after(Millis{5}, claimed());
  EXPECT_NE(sent<Welcome>(), nullptr);
}

TEST_F(SessionTest, ANodeWithoutAnyGrantIsRefusedAndEndedWhenItStays) {
  grants.clear();
  says(hello());
  after(Millis{5}, claimed());
  ASSERT_NE(sent<Refused>(), nullptr);
  EXPECT_EQ(sent<Refused>()->reason, RefusedReason::no_grant);
  EXPECT_NE(logged(EventKind::refused), nullptr);
  after(Millis{3'000}, Tick{});
  ASSERT_NE(done<EndSession>(), nullptr);
  EXPECT_TRUE(done<EndSession>()->kill_sshd);
}

TEST_F(SessionTest, ARefusedNewcomerGoesByItself) {
  says(hello());
  after(Millis{5}, ClaimRefused{{RefusedReason::duplicate, "another machine", Millis{60'000}}});
  ASSERT_NE(sent<Refused>(), nullptr);
  EXPECT_EQ(sent<Refused>()->retry_after, Millis{60'000});
  after(Millis{20}, InputEnded{"the connection ended"});
  ASSERT_NE(done<EndSession>(), nullptr);
  EXPECT_FALSE(done<EndSession>()->kill_sshd);
}

TEST_F(SessionTest, AListenThatIsNotTheGrantIsNotGranted) {
  Hello asking = hello({"ssh", "web"});
  asking.forwards[0].listen = "localhost:2222";
  asking.forwards[1].listen = "localhost:20002";
  says(asking);
  after(Millis{5}, claimed());
  ASSERT_NE(sent<Welcome>(), nullptr);
  EXPECT_EQ(sent<Welcome>()->not_granted, std::vector<std::string>{"ssh"});
  EXPECT_EQ(sent<Welcome>()->grants, (std::vector<Grant>{{"web", "localhost:20002"}}));
}

TEST_F(SessionTest, TheAdminsExpectationWinsOverTheNodes) {
  Expect admins{Expect::Kind::banner, "SSH-", "", "/", 200};
  grants[0].expect = admins;
  Hello asking = hello();
  asking.forwards[0].expect = Expect{Expect::Kind::http, "", "", "/", 200};
  says(asking);
  after(Millis{5}, claimed());
  says(Forwarded{"ssh", true, ""});
  says(Ready{});
  ASSERT_NE(done<StartProbe>(), nullptr);
  EXPECT_EQ(done<StartProbe>()->expect, admins);
}

// ---- serving

TEST_F(SessionTest, AHeartbeatIsAnsweredAtOnceAndTouchesAlive) {
  serve();
  says(Heartbeat{42});
  ASSERT_NE(sent<HeartbeatAck>(), nullptr);
  EXPECT_EQ(sent<HeartbeatAck>()->seq, 42);
  EXPECT_NE(done<TouchAlive>(), nullptr);
}

TEST_F(SessionTest, UpAndDownAreLoggedWithTheirLengths) {
  Claimed with_history = claimed();
  with_history.granted = {granted("ssh", 20001)};
  Event went_down;
  went_down.kind = EventKind::down;
  went_down.at = now.wall - Millis{4'000};
  with_history.last_up_or_down = went_down;
  says(hello());
  after(Millis{5}, with_history);
  says(Forwarded{"ssh", true, ""});
  says(Ready{});
  judged(Sight::expected_answer);
  ASSERT_NE(logged(EventKind::up), nullptr);
  EXPECT_EQ(logged(EventKind::up)->was_down, Millis{4'045});
  after(Millis{10'000}, InputEnded{"the connection ended"});
  ASSERT_NE(logged(EventKind::down), nullptr);
  EXPECT_EQ(logged(EventKind::down)->was_up, Millis{10'000});
  EXPECT_EQ(status().state, NodeState::down);
}

TEST_F(SessionTest, ASessionThatNeverWasUpWritesNoDown) {
  serve();
  after(Millis{100}, InputEnded{"the connection ended"});
  EXPECT_EQ(count<LogEvent>(), 0U);
  EXPECT_NE(done<EndSession>(), nullptr);
}

TEST_F(SessionTest, ANodeThatIsDegradedFromTheFirstLogsWhichForwardsWorkAndTheirEnd) {
  serve({"ssh", "web"});
  judged(Sight::expected_answer, "ssh");
  judged(Sight::target_unreachable, "web");
  after(Millis{6'000}, Tick{});
  std::string told;
  for (const AgentAction& action : all) {
    const auto* log = std::get_if<LogEvent>(&action);
    if (log == nullptr || log->event.kind != EventKind::verdict) continue;
    told += log->event.forward + ' ' + std::string(verdict_name(log->event.verdict.value())) + ' ';
  }
  EXPECT_EQ(told, "web service_down ssh healthy ");
  says(Bye{"reload"});
  after(Millis{10}, InputEnded{});
  const Event* down = logged(EventKind::down);
  ASSERT_NE(down, nullptr);
  EXPECT_EQ(down->was_up, std::nullopt) << "it never was";
}

TEST_F(SessionTest, AProbeLostWithTheSessionIsNoVerdict) {
  serve();
  judged(Sight::expected_answer);
  says(Bye{"reload"});
  probed(Sight::no_path);
  probed(Sight::no_path);
  EXPECT_EQ(verdict(), Verdict::healthy);
}

TEST_F(SessionTest, ProbesStartWithReadyAndAtMostEightForwardsAtOnce) {
  std::vector<std::string> names;
  grants.clear();
  for (int i = 0; i < 32; ++i) {
    names.push_back("f" + std::to_string(i));
    grants.push_back(granted(names.back().c_str(), static_cast<Port>(20000 + i)));
  }
  says(hello(names));
  after(Millis{5}, claimed());
  for (const std::string& name : names) says(Forwarded{name, true, ""}, Millis{0});
  EXPECT_EQ(count<StartProbe>(), 0U);
  says(Ready{});
  EXPECT_EQ(count<StartProbe>(), 8U) << "two address families each: 16 probes";
  for (const std::string& name : names) probed(Sight::expected_answer, name);
  EXPECT_EQ(count<StartProbe>(), 32U);
  EXPECT_EQ(status().state, NodeState::up);
}

TEST_F(SessionTest, ACheckProbesTheOneForwardThatItNames) {
  serve({"ssh", "web"});
  judged(Sight::expected_answer, "ssh");
  judged(Sight::expected_answer, "web");
  says(Check{"web"});
  ASSERT_NE(done<StartProbe>(), nullptr);
  EXPECT_EQ(done<StartProbe>()->forward, "web");
  says(Check{"web"});
  EXPECT_EQ(done<StartProbe>(), nullptr) << "one at a time";
}

TEST_F(SessionTest, AFloodOfChecksProbesOnceASecondAndLosesNoneForGood) {
  serve();
  judged(Sight::expected_answer);
  says(Check{});
  ASSERT_NE(done<StartProbe>(), nullptr) << "the first one is heeded at once";
  judged(Sight::expected_answer);
  for (int i = 0; i < 10; ++i) {
    says(Check{});
    EXPECT_EQ(done<StartProbe>(), nullptr);
  }
  EXPECT_LE(session.next_deadline(), now.mono + Millis{1'001});
  after(Millis{1'000}, Tick{});
  EXPECT_NE(done<StartProbe>(), nullptr);
}

TEST_F(SessionTest, ANodeWithoutPathProofIsNeverProbedNorCalledUp) {
  Hello old = hello();
  old.features.clear();
  says(old);
  after(Millis{5}, claimed());
  says(Forwarded{"ssh", true, ""});
  says(Ready{});
  EXPECT_EQ(count<StartProbe>(), 0U);
  EXPECT_NE(status().state, NodeState::up);
}

TEST_F(SessionTest, AForwardAskedAgainInVainRestartsASessionOfNoOtherUse) {
  serve();
  judged(Sight::refused);
  ASSERT_NE(sent<ForwardAgain>(), nullptr);
  says(Forwarded{"ssh", false, "forwarding failed"});
  judged(Sight::refused);
  ASSERT_NE(sent<Restart>(), nullptr);
}

TEST_F(SessionTest, AForwardAskedAgainInVainCostsNoSessionThatServesAnother) {
  serve({"ssh", "web"});
  judged(Sight::expected_answer, "web");
  judged(Sight::refused, "ssh");
  says(Forwarded{"ssh", false, "forwarding failed"});
  judged(Sight::refused, "ssh");
  EXPECT_EQ(sent<Restart>(), nullptr);
  EXPECT_EQ(verdict(0), Verdict::not_listening);
}

TEST_F(SessionTest, RestartsBackOffUntilASessionWasStable) {
  Claimed with_failures = claimed();
  with_failures.previous = NodeStatus{};
  with_failures.previous->backoff.failures = 3;
  says(hello());
  after(Millis{5}, with_failures);
  says(Forwarded{"ssh", true, ""});
  says(Ready{});
  judged(Sight::no_path);
  ASSERT_NE(sent<Restart>(), nullptr);
  EXPECT_GE(sent<Restart>()->retry_after, Millis{6'000});
  EXPECT_EQ(status().backoff.failures, 4);
}

TEST_F(SessionTest, AStableSessionIsRestartedWithoutAWait) {
  serve();
  judged(Sight::expected_answer);
  for (int i = 0; i < 5; ++i) says(Heartbeat{i}, Millis{15'000});
  says(Check{});
  judged(Sight::no_path);
  ASSERT_NE(sent<Restart>(), nullptr);
  EXPECT_EQ(sent<Restart>()->retry_after, Millis{0});
}

// ---- the dead-man switch

TEST_F(SessionTest, ASilentNodeLosesItsSshdAfterDeadAfter) {
  serve();
  judged(Sight::expected_answer);
  says(Heartbeat{1});
  after(Millis{44'999}, Tick{});
  EXPECT_EQ(done<EndSession>(), nullptr);
  EXPECT_EQ(session.next_deadline(), now.mono + Millis{1});
  after(Millis{1}, Tick{});
  ASSERT_NE(done<EndSession>(), nullptr);
  EXPECT_TRUE(done<EndSession>()->kill_sshd);
  EXPECT_NE(logged(EventKind::down), nullptr);
}

TEST_F(SessionTest, ProgressHoldsTheDeadManSwitchForAMinuteAndNotLonger) {
  serve();
  judged(Sight::expected_answer);
  says(Heartbeat{1});
  ProgressSample sample;
  for (int second = 0; second < 59; ++second) {
    sample.bytes_received += 1000;
    after(Millis{1'000}, Sampled{sample});
    after(Millis{0}, Tick{});
    ASSERT_EQ(done<EndSession>(), nullptr) << second;
  }
  after(Millis{1'000}, Tick{});
  ASSERT_NE(done<EndSession>(), nullptr);
  EXPECT_TRUE(done<EndSession>()->kill_sshd);
}

TEST_F(SessionTest, TheConnectionIsOnlySampledWhileThatMatters) {
  serve();
  EXPECT_TRUE(session.wants_sample(now.mono)) << "a probe is under way";
  judged(Sight::expected_answer);
  EXPECT_FALSE(session.wants_sample(now.mono));
  EXPECT_FALSE(session.wants_sample(now.mono + Millis{15'000}));
  EXPECT_TRUE(session.wants_sample(now.mono + Millis{20'000})) << "a heartbeat is late";
}

TEST_F(SessionTest, AMeteredNodeMayBeSilentForLonger) {
  Hello metered = hello();
  metered.metered = true;
  says(metered);
  after(Millis{5}, claimed());
  after(Millis{179'000}, Tick{});
  EXPECT_EQ(done<EndSession>(), nullptr);
  after(Millis{2'000}, Tick{});
  EXPECT_NE(done<EndSession>(), nullptr);
}

TEST_F(SessionTest, AClockThatIsSetBackKeepsNothingUnknown) {
  serve();
  now.wall -= Millis{86'400'000};
  after(Millis{29'000}, Received{Heartbeat{1}});
  EXPECT_EQ(status().state, NodeState::unknown);
  EXPECT_LE(session.next_deadline(), now.mono + Millis{1'001});
  after(Millis{1'001}, Tick{});
  EXPECT_EQ(status().state, NodeState::degraded);
}

// ---- challenges

TEST_F(SessionTest, APongRefusesTheNewcomerAndShowsTheConflict) {
  serve();
  judged(Sight::expected_answer);
  after(Millis{10}, ChallengeAsked{"q1", "203.0.113.9", "machine-2"});
  ASSERT_NE(sent<Ping>(), nullptr);
  says(Pong{sent<Ping>()->challenge});
  ASSERT_NE(done<Reply>(), nullptr);
  EXPECT_EQ(done<Reply>()->request, "q1");
  EXPECT_EQ(done<Reply>()->is_alive, true);
  EXPECT_EQ(done<Reply>()->retry_after, Millis{60'000});
  EXPECT_NE(logged(EventKind::conflict), nullptr);
  ASSERT_TRUE(status().conflict);
  EXPECT_EQ(status().conflict->client_address, "203.0.113.9");
  EXPECT_EQ(status().state, NodeState::degraded);
  EXPECT_EQ(status().last_refused->reason, "duplicate");
}

TEST_F(SessionTest, ARepeatedConflictIsCountedNotLoggedAndWaitsLonger) {
  serve();
  for (int i = 1; i <= 3; ++i) {
    after(Millis{10}, ChallengeAsked{"q", "203.0.113.9", "machine-2"});
    says(Pong{sent<Ping>()->challenge});
  }
  EXPECT_EQ(logged(EventKind::conflict), nullptr);
  EXPECT_EQ(status().conflict->count, 3);
  EXPECT_EQ(done<Reply>()->retry_after, Millis{240'000});
}

TEST_F(SessionTest, AConflictFromTheFutureCountsNoLongerAndIsNewsWhenItComesAgain) {
  serve();
  judged(Sight::expected_answer);
  for (const std::string request : {"q1", "q2"}) {
    after(Millis{10}, ChallengeAsked{request, "203.0.113.9", "machine-2"});
    says(Pong{request == "q1" ? 1 : 2});
    EXPECT_NE(logged(EventKind::conflict), nullptr) << request;
    EXPECT_EQ(status().state, NodeState::degraded);
    now.wall -= Millis{86'400'000};
    says(Heartbeat{1});
    EXPECT_EQ(status().state, NodeState::up);
  }
}

TEST_F(SessionTest, ThreeSecondsOfSilenceLoseAChallenge) {
  serve();
  judged(Sight::expected_answer);
  after(Millis{10}, ChallengeAsked{"q1", "203.0.113.9", "machine-2"});
  after(Millis{2'999}, Tick{});
  EXPECT_EQ(done<Reply>(), nullptr);
  after(Millis{1}, Tick{});
  ASSERT_NE(done<Reply>(), nullptr);
  EXPECT_EQ(done<Reply>()->is_alive, false);
  EXPECT_FALSE(status().conflict);
}

TEST_F(SessionTest, ProgressGivesAChallengedNodeFifteenSeconds) {
  serve();
  judged(Sight::expected_answer);
  after(Millis{10}, ChallengeAsked{"q1", "203.0.113.9", "machine-2"});
  ProgressSample sample;
  for (int second = 0; second < 14; ++second) {
    sample.bytes_received += 1000;
    after(Millis{1'000}, Sampled{sample});
    after(Millis{0}, Tick{});
    ASSERT_EQ(done<Reply>(), nullptr) << second;
  }
  after(Millis{1'000}, Tick{});
  ASSERT_NE(done<Reply>(), nullptr);
  EXPECT_EQ(done<Reply>()->is_alive, false);
}

TEST_F(SessionTest, WhereTheKernelTellsNoProgressSilenceIsNoProofOfIt) {
  serve();
  EXPECT_EQ(session.quiet_limit(Millis{5'000}), Millis{5'000});
  after(Millis{10}, Sampled{});
  EXPECT_EQ(session.quiet_limit(Millis{5'000}), Millis{60'000});
  EXPECT_EQ(logged(EventKind::file_error), nullptr) << "the connection may just have ended";
  after(Millis{500}, Sampled{});
  ASSERT_NE(logged(EventKind::file_error), nullptr);
  EXPECT_NE(logged(EventKind::file_error)->reason.find("tcp_diag"), std::string::npos);
  after(Millis{500}, Sampled{});
  EXPECT_EQ(logged(EventKind::file_error), nullptr) << "once";
  judged(Sight::expected_answer);
  after(Millis{10}, ChallengeAsked{"q1", "203.0.113.9", "machine-2"});
  after(Millis{14'999}, Tick{});
  EXPECT_EQ(done<Reply>(), nullptr) << "the pong may be behind a download";
  after(Millis{1}, Tick{});
  ASSERT_NE(done<Reply>(), nullptr);
}

TEST_F(SessionTest, AConnectionThatIsGoneIsNotTakenForAKernelThatTellsNothing) {
  serve();
  after(Millis{10}, Sampled{ProgressSample{}});
  after(Millis{500}, Sampled{});
  after(Millis{500}, Sampled{});
  EXPECT_EQ(session.quiet_limit(Millis{5'000}), Millis{5'000});
  EXPECT_EQ(logged(EventKind::file_error), nullptr);
}

TEST_F(SessionTest, AWrongPongDoesNotWinAChallenge) {
  serve();
  after(Millis{10}, ChallengeAsked{"q1", "203.0.113.9", "machine-2"});
  says(Pong{sent<Ping>()->challenge + 1});
  EXPECT_EQ(done<Reply>(), nullptr);
}

// ---- other requests

TEST_F(SessionTest, AnAdminsProbeIsAnsweredWhenEveryForwardIsJudged) {
  serve({"ssh", "web"});
  judged(Sight::expected_answer, "ssh");
  judged(Sight::expected_answer, "web");
  after(Millis{10}, ProbeAsked{"q2"});
  probed(Sight::expected_answer, "ssh");
  EXPECT_EQ(done<Reply>(), nullptr);
  probed(Sight::target_unreachable, "web");
  ASSERT_NE(done<Reply>(), nullptr);
  EXPECT_TRUE(done<Reply>()->with_forwards);
}

TEST_F(SessionTest, AKeyIsAskedForLetInAndTheSessionRestarted) {
  serve({"ssh"});
  after(Millis{10}, RotateKeyAsked{"q1"});
  ASSERT_NE(sent<RotateKey>(), nullptr);
  says(Rotated{"q0", "ssh-ed25519 AAAA", ""});
  EXPECT_EQ(done<LetKeyIn>(), nullptr) << "another request's";
  says(Rotated{"q1", "ssh-ed25519 AAAA", ""});
  ASSERT_NE(done<LetKeyIn>(), nullptr);
  EXPECT_EQ(done<LetKeyIn>()->public_key, "ssh-ed25519 AAAA");
  says(Rotated{"q1", "ssh-ed25519 BBBB", ""});
  EXPECT_EQ(done<LetKeyIn>(), nullptr) << "one answer counts";
  after(Millis{10}, KeyLetIn{"q1", ""});
  ASSERT_NE(done<Reply>(), nullptr);
  EXPECT_TRUE(done<Reply>()->error.empty());
  EXPECT_NE(sent<Restart>(), nullptr);
}

TEST_F(SessionTest, ARotationThatFailsIsAnsweredAndCostsNothing) {
  serve({"ssh"});
  const auto fails_with = [&](const char* words) {
    ASSERT_NE(done<Reply>(), nullptr) << words;
    EXPECT_NE(done<Reply>()->error.find(words), std::string::npos) << done<Reply>()->error;
    EXPECT_EQ(sent<Restart>(), nullptr);
  };
  after(Millis{10}, RotateKeyAsked{"q1"});
  after(Millis{10}, RotateKeyAsked{"q2"});
  fails_with("not now");
  says(Rotated{"q1", "", "Read-only file system"});
  fails_with("the node: Read-only file system");
  after(Millis{10}, RotateKeyAsked{"q3"});
  says(Rotated{"q3", "ssh-dss", ""});
  after(Millis{10}, KeyLetIn{"q3", "not ssh-ed25519"});
  fails_with("not ssh-ed25519");
  after(Millis{10}, RotateKeyAsked{"q4"});
  for (int i = 0; i < 3 && done<Reply>() == nullptr; ++i) {
    says(Heartbeat{i}, Millis{14'000});
    if (done<Reply>() == nullptr) after(Millis{1}, Tick{});
  }
  fails_with("in time");
  says(Rotated{"q4", "ssh-ed25519 AAAA", ""});
  EXPECT_EQ(done<LetKeyIn>(), nullptr) << "too late";
  EXPECT_FALSE(session.is_ended());
}

TEST_F(SessionTest, AnOldClientIsNotAskedForAKey) {
  Hello old = hello({"ssh"});
  old.features = {"restart"};
  says(old);
  after(Millis{5}, claimed());
  after(Millis{10}, RotateKeyAsked{"q1"});
  ASSERT_NE(done<Reply>(), nullptr);
  EXPECT_NE(done<Reply>()->error.find("upgrade"), std::string::npos);
  EXPECT_EQ(sent<RotateKey>(), nullptr);
}

TEST_F(SessionTest, AChangeOfTheServersKeysOrNamesIsToldOnce) {
  says(hello({"ssh"}));
  Claimed first = claimed();
  first.host_keys = {"ssh-ed25519 AAAA"};
  after(Millis{5}, first);
  ASSERT_NE(sent<Welcome>(), nullptr);
  EXPECT_EQ(sent<Welcome>()->host_keys, first.host_keys);
  after(Millis{10}, ServerChanged{first.host_keys, {}});
  EXPECT_EQ(sent<Announce>(), nullptr);
  after(Millis{10}, ServerChanged{first.host_keys, {"b.example:22"}});
  ASSERT_NE(sent<Announce>(), nullptr);
  EXPECT_EQ(sent<Announce>()->servers, std::vector<std::string>{"b.example:22"});
  after(Millis{10}, ServerChanged{first.host_keys, {"b.example:22"}});
  EXPECT_EQ(sent<Announce>(), nullptr);
}

TEST_F(SessionTest, AnEvictionIsAnsweredFirstAndThenDone) {
  serve();
  after(Millis{10}, EvictAsked{"q3", "by the administrator"});
  ASSERT_GE(actions.size(), 3U);
  EXPECT_TRUE(std::holds_alternative<Reply>(actions.front()));
  EXPECT_NE(logged(EventKind::evicted), nullptr);
  EXPECT_TRUE(done<EndSession>()->kill_sshd);
}

TEST_F(SessionTest, ADisabledNodeIsToldAndGoneWithinThreeSeconds) {
  serve();
  after(Millis{10}, ReloadAsked{"q4", false, grants});
  ASSERT_NE(sent<Refused>(), nullptr);
  EXPECT_EQ(sent<Refused>()->reason, RefusedReason::disabled);
  EXPECT_NE(done<Reply>(), nullptr);
  after(Millis{3'000}, Tick{});
  EXPECT_TRUE(done<EndSession>()->kill_sshd);
}

TEST_F(SessionTest, OtherPortsNeedAnotherSessionAndOtherExpectationsDoNot) {
  serve();
  judged(Sight::expected_answer);
  std::vector<NodeForward> changed = grants;
  changed[0].expect = Expect{Expect::Kind::banner, "SSH-", "", "/", 200};
  after(Millis{10}, ReloadAsked{"q5", true, changed});
  EXPECT_EQ(sent<Restart>(), nullptr);
  ASSERT_NE(done<StartProbe>(), nullptr);
  EXPECT_EQ(done<StartProbe>()->expect.match, "SSH-");
  changed[0].port = 20009;
  after(Millis{10}, ReloadAsked{"q6", true, changed});
  EXPECT_NE(sent<Restart>(), nullptr);
}

TEST_F(SessionTest, ARequestDuringTheEndIsAnsweredWithNo) {
  serve();
  says(Bye{"reload"});
  after(Millis{10}, ProbeAsked{"q7"});
  ASSERT_NE(done<Reply>(), nullptr);
  EXPECT_FALSE(done<Reply>()->error.empty());
}

TEST_F(SessionTest, DrainingIsSaidBeforeTheEnd) {
  serve();
  after(Millis{10}, DrainAsked{});
  EXPECT_NE(sent<Draining>(), nullptr);
  after(Millis{1'000}, Tick{});
  EXPECT_NE(done<EndSession>(), nullptr);
}

// ---- a disk that is full

TEST_F(SessionTest, AFullDiskEndsNothingAndIsTriedAgainEveryFiveSeconds) {
  serve();
  judged(Sight::expected_answer);
  const WallTime broke = now.wall + Millis{10};
  after(Millis{10}, StatusWritten{false});
  EXPECT_EQ(status().unwritten_since, broke);
  EXPECT_EQ(done<WriteStatus>(), nullptr) << "no busy loop";
  after(Millis{4'999}, Tick{});
  EXPECT_EQ(done<WriteStatus>(), nullptr);
  after(Millis{1}, Tick{});
  EXPECT_NE(done<WriteStatus>(), nullptr);
  after(Millis{1}, StatusWritten{false});
  EXPECT_EQ(status().unwritten_since, broke) << "since the first failure";
  EXPECT_FALSE(session.is_ended());
}

TEST_F(SessionTest, WhatWasUnwrittenIsShownForAMinuteAfterwards) {
  serve();
  judged(Sight::expected_answer);
  after(Millis{10}, StatusWritten{false});
  after(Millis{5'000}, StatusWritten{true});
  EXPECT_TRUE(status().unwritten_since);
  EXPECT_FALSE(session.unwritten_since()) << "but nothing is lost any more";
  for (int i = 0; i < 4; ++i) says(Heartbeat{i}, Millis{15'000});
  after(Millis{0}, Tick{});
  EXPECT_FALSE(status().unwritten_since);
  EXPECT_NE(done<WriteStatus>(), nullptr);
}

TEST_F(SessionTest, AnUnreadableNodeFileIsReportedAndTheGrantsServed) {
  Claimed reported = claimed();
  reported.problem = "node.json: line 1, column 2: expected '}'";
  says(hello());
  after(Millis{5}, reported);
  EXPECT_NE(sent<Welcome>(), nullptr);
  ASSERT_NE(logged(EventKind::file_error), nullptr);
  EXPECT_EQ(logged(EventKind::file_error)->reason, reported.problem);
}

TEST_F(SessionTest, ANodeThatDoesNotReadIsEnded) {
  serve();
  after(Millis{10}, OutputStuck{});
  EXPECT_TRUE(done<EndSession>()->kill_sshd);
}

TEST_F(SessionTest, CountersAndConflictsOutliveTheSession) {
  Claimed with_past = claimed();
  with_past.previous = NodeStatus{};
  with_past.previous->counters = {.sessions = 7, .evictions = 2, .checks = 100, .failed_checks = 5};
  with_past.evictions = 1;
  says(hello());
  after(Millis{5}, with_past);
  EXPECT_EQ(status().counters.sessions, 8);
  EXPECT_EQ(status().counters.evictions, 3);
}

}  // namespace
}  // namespace reversi::server

// Long because every transition of the tunnel is a row of one table.

#include "client/core/tunnel.h"

#include <functional>

#include <gtest/gtest.h>

#include "tests/unit/client_core/tunnel_fixture.h"

namespace reversi::client {
namespace {

// ---- every transition, one row each --------------------------------------------------------------

struct Transition {
  const char* name;
  const char* from;
  Event event;
  const char* to;
  Millis after{0};
};

Event line(const AgentMessage& message) {
  std::string text = encode(message);
  text.pop_back();
  return event::FromWorker{AgentLine{text}};
}

const std::vector<Transition>& transitions() {
  static const auto quiet = std::make_shared<TunnelSetup>(TunnelSetup{two_forwards(), {}});
  static const std::vector<Transition> rows{
      {"TheFirstTickStarts", "waiting", event::Tick{}, "starting"},
      {"AStopWhileWaitingQuits", "waiting", event::StopRequest{}, "waiting"},
      {"ALateExitChangesNothing", "waiting", event::WorkerExited{"x"}, "waiting"},
      {"ConnectedSaysHello", "starting", event::FromWorker{Connected{"a", "b"}}, "greeting"},
      {"FailedStops", "starting", event::FromWorker{Failed{Failure::no_answer, "x"}}, "stopping"},
      {"ExitWaits", "starting", event::WorkerExited{"exit code 10"}, "waiting"},
      {"TheStartLimitStops", "starting", event::Tick{}, "stopping", 125s},
      {"NotYetTheStartLimit", "starting", event::Tick{}, "starting", 40s},
      {"WelcomeAsksForForwards", "greeting",
       line(Welcome{.session = "s", .grants = {{"ssh", "localhost:20001"}}}), "forwarding"},
      {"AWelcomeWithoutGrantsStops", "greeting", line(Welcome{.session = "s"}), "stopping"},
      {"RefusedStops", "greeting", line(Refused{.retry_after = 60s}), "stopping"},
      {"TheGreetingLimitStops", "greeting", event::Tick{}, "stopping", 30s},
      {"AShellsGreetingIsSkipped", "greeting", event::FromWorker{AgentLine{"Welcome to Ubuntu"}},
       "greeting"},
      {"ABrokenWelcomeStops", "greeting", event::FromWorker{AgentLine{R"({"type":"welcome"})"}},
       "stopping"},
      {"NoForwardListensYet", "forwarding", event::FromWorker{ForwardReply{"ssh", false, "no"}},
       "forwarding"},
      {"ABrokenLineStops", "forwarding", event::FromWorker{AgentLine{"no json"}}, "stopping"},
      {"ABrokenWorkerStops", "forwarding", event::WorkerBroken{"x"}, "stopping"},
      {"RestartStops", "ready", line(Restart{"hung", 1s}), "stopping"},
      {"AnUnknownTypeIsIgnored", "ready", event::FromWorker{AgentLine{R"({"type":"news"})"}},
       "ready"},
      {"AMalformedOneStops", "ready", event::FromWorker{AgentLine{R"({"type":"ping"})"}},
       "stopping"},
      {"DrainingKeepsTheSession", "ready", line(Draining{5s}), "ready"},
      {"SeenStoppedOnceIsNoReason", "ready", event::WorkerSeen{true}, "ready"},
      {"ARestartRequestStops", "ready", event::RestartRequest{}, "stopping"},
      {"AStopRequestStops", "ready", event::StopRequest{}, "stopping"},
      {"AReloadOfTheSameKeepsTheSession", "ready", event::Reload{quiet}, "ready"},
      {"ExitOfAReadyWorkerRestartsAtOnce", "ready", event::WorkerExited{"killed by signal 9"},
       "starting"},
      {"AHintKeepsTheSession", "ready", event::Hint{"address changed"}, "ready"},
      {"StoppingEndsWithTheExit", "stopping", event::WorkerExited{"exit code 0"}, "starting"},
      {"StoppingIgnoresTheWorker", "stopping", event::FromWorker{Connected{"a", "b"}}, "stopping"},
      {"StoppingKillsAtItsLimit", "stopping", event::Tick{}, "stopping", 2s},
  };
  return rows;
}

class Transitions : public TunnelTest, public ::testing::WithParamInterface<Transition> {};

TEST_P(Transitions, Holds) {
  const Transition& row = GetParam();
  const std::string from = row.from;
  if (from == "starting") to_starting();
  if (from == "greeting") to_greeting();
  if (from == "forwarding") to_forwarding();
  if (from == "ready" || from == "stopping") to_up();
  if (from == "stopping") after(0ms, event::RestartRequest{});
  ASSERT_EQ(is(), from);
  after(row.after, row.event);
  EXPECT_EQ(is(), row.to);
}

INSTANTIATE_TEST_SUITE_P(Tunnel, Transitions, ::testing::ValuesIn(transitions()),
                         [](const auto& row) { return std::string(row.param.name); });

// ---- a session comes up --------------------------------------------------------------------------

TEST_F(TunnelTest, AStartTellsTheWorkerEverything) {
  to_starting();
  EXPECT_EQ(did<action::SpawnWorker>().size(), 1U);
  ASSERT_EQ(sent<Start>().size(), 1U);
  EXPECT_EQ(sent<Start>()[0].server, (Endpoint{"a.example", 22}));
  EXPECT_EQ(sent<Start>()[0].known_hosts_files,
            (std::vector<std::string>{"/h", "/s/learned_known_hosts"}));
}

TEST_F(TunnelTest, TheHelloCarriesWhoWeAreAndWhatWeWant) {
  to_greeting();
  ASSERT_EQ(told<Hello>().size(), 1U);
  const Hello hello = told<Hello>()[0];
  EXPECT_EQ(hello.features, client_features());
  EXPECT_EQ(hello.node, "cam-07");
  EXPECT_EQ(hello.run, "r");
  ASSERT_EQ(hello.forwards.size(), 2U);
  EXPECT_EQ(hello.forwards[0].target, "127.0.0.1:22");
}

TEST_F(TunnelTest, EveryGrantedForwardIsAskedForAndReported) {
  to_forwarding();
  EXPECT_EQ(sent<Forward>().size(), 2U);
  EXPECT_EQ(did<action::SavePolicy>().size(), 0U) << "the defaults did not change";
  worker(1ms, ForwardReply{"ssh", true, {}});
  ASSERT_EQ(told<Forwarded>().size(), 1U);
  EXPECT_EQ(told<Ready>().size(), 0U);
  worker(1ms, ForwardReply{"web", false, "refused"});
  EXPECT_EQ(told<reversi::Ready>().size(), 1U);
  EXPECT_EQ(told<Check>().size(), 1U);
  EXPECT_EQ(is(), "ready");
}

TEST_F(TunnelTest, UpMeansThatEveryVerdictIsGood) {
  to_ready();
  EXPECT_EQ(word(), NodeState::unknown);
  agent(5ms, VerdictReport{"ssh", Verdict::healthy, {}, 3ms});
  EXPECT_EQ(word(), NodeState::unknown);
  agent(5ms, VerdictReport{"web", Verdict::service_down, "refused", {}});
  EXPECT_EQ(word(), NodeState::degraded);
  EXPECT_EQ(health(tunnel, now).reason, "web: service_down: refused");
  EXPECT_EQ(did<action::KeepConfig>().size(), 0U);
  agent(5ms, VerdictReport{"web", Verdict::slow, {}, {}});
  EXPECT_EQ(word(), NodeState::up);
  EXPECT_EQ(did<action::KeepConfig>().size(), 1U);
}

TEST_F(TunnelTest, AForwardNotJudgedIn30SecondsIsDegraded) {
  to_ready();
  pass(31s);
  EXPECT_EQ(word(), NodeState::degraded);
  EXPECT_EQ(tunnel.word, NodeState::degraded);
}

TEST_F(TunnelTest, AForwardTheServerDoesNotKnowIsReportedAndTheOtherKept) {
  to_greeting();
  Welcome message = welcome();
  message.grants.pop_back();
  agent(1ms, message);
  EXPECT_EQ(sent<Forward>().size(), 1U);
  worker(1ms, ForwardReply{"ssh", true, {}});
  EXPECT_EQ(is(), "ready");
  EXPECT_EQ(tunnel.forwards[1].verdict, Verdict::not_granted);
  EXPECT_EQ(word(), NodeState::degraded);
}

TEST_F(TunnelTest, AConfiguredListenMustBeTheGrant) {
  ClientConfig config = two_forwards();
  config.forwards[0].listen = Endpoint{"localhost", 7};
  begin(config);
  to_forwarding();
  EXPECT_EQ(tunnel.forwards[0].verdict, Verdict::not_granted);
  EXPECT_EQ(sent<Forward>().size(), 1U);
}

TEST_F(TunnelTest, TwentyLinesOfAShellAreSkippedAndTheNextEndsIt) {
  to_greeting();
  for (int i = 0; i < 20; ++i) worker(0ms, AgentLine{"hello there"});
  EXPECT_EQ(is(), "greeting");
  worker(0ms, AgentLine{"and more"});
  EXPECT_EQ(is(), "stopping");
}

TEST_F(TunnelTest, ANewPolicyIsSavedAndUsed) {
  to_greeting();
  Welcome message = welcome();
  message.policy.heartbeat = 60s;
  agent(0ms, message);
  ASSERT_EQ(did<action::SavePolicy>().size(), 1U);
  EXPECT_EQ(did<action::SavePolicy>()[0].policy.heartbeat, 60s);
}

// ---- the agent asks ------------------------------------------------------------------------------

TEST_F(TunnelTest, AProbeIsWatchedForAndItsPathReported) {
  to_up();
  agent(0ms, ExpectProbe{7, "ssh", 4711});
  ASSERT_EQ(sent<WatchProbe>().size(), 1U);
  EXPECT_EQ(sent<WatchProbe>()[0], (WatchProbe{7, "ssh", 4711, 2500ms}));
  worker(1ms, ProbeSeen{7, TargetOutcome::refused});
  ASSERT_EQ(told<PathSeen>().size(), 1U);
  EXPECT_EQ(told<PathSeen>()[0], (PathSeen{7, TargetOutcome::refused}));
}

TEST_F(TunnelTest, AChallengeIsAnsweredAtOnce) {
  to_up();
  agent(0ms, Ping{9});
  ASSERT_EQ(told<Pong>().size(), 1U);
  EXPECT_EQ(told<Pong>()[0].challenge, 9);
}

TEST_F(TunnelTest, ForwardAgainAsksOnceMore) {
  to_up();
  agent(0ms, ForwardAgain{"web"});
  ASSERT_EQ(sent<Forward>().size(), 1U);
  EXPECT_EQ(sent<Forward>()[0].forward, "web");
  agent(0ms, ForwardAgain{"nobody"});
  EXPECT_EQ(sent<Forward>().size(), 0U);
}

TEST_F(TunnelTest, OptionalTypesGoOnlyToAnAgentThatNamedThem) {
  to_greeting();
  Welcome message = welcome();
  message.features = {};
  agent(0ms, message);
  worker(1ms, ForwardReply{"ssh", true, {}});
  worker(1ms, ForwardReply{"web", true, {}});
  EXPECT_EQ(is(), "ready");
  EXPECT_EQ(told<Check>().size(), 0U);
  agent(0ms, Ping{9});
  EXPECT_EQ(told<Pong>().size(), 0U);
}

class TunnelChecks : public TunnelTest {
 protected:
  int count(Millis time) {
    all.clear();
    pass(time);
    return static_cast<int>(std::ranges::count_if(all, [](const Action& action) {
      const auto* send = std::get_if<action::SendAgent>(&action);
      return send != nullptr && std::holds_alternative<Check>(send->message);
    }));
  }
};

TEST_F(TunnelChecks, AreAskedForOftenAndOnceSettledRarely) {
  to_up();
  EXPECT_EQ(count(300s), 5);
  count(400s);
  EXPECT_EQ(count(600s), 2);
}

TEST_F(TunnelChecks, ComeWithEveryHeartbeatWhileSomebodyMayBeMendingAService) {
  to_up();
  count(700s);
  agent(0ms, VerdictReport{"web", Verdict::service_down, "refused", {}});
  EXPECT_EQ(count(300s), 20);
  agent(0ms, VerdictReport{"web", Verdict::service_down, "refused", {}});
  count(310s);
  EXPECT_EQ(count(300s), 5) << "it has been down for ten minutes";
  agent(0ms, VerdictReport{"web", Verdict::healthy, {}, 3ms});
  agent(0ms, VerdictReport{"web", Verdict::wrong_answer, "no banner", {}});
  EXPECT_EQ(count(60s), 4) << "another fault begins anew";
}

// ---- liveness ------------------------------------------------------------------------------------

TEST_F(TunnelTest, AnAnsweredHeartbeatKeepsTheSessionForDays) {
  to_up();
  pass(std::chrono::hours{24});
  EXPECT_EQ(word(), NodeState::up);
  EXPECT_EQ(tunnel.starts, 1U);
}

TEST_F(TunnelTest, SilenceKillsTheWorkerWithin25Seconds) {
  to_up();
  pass(10s);
  const MonoTime silent_since = now;
  all.clear();
  while (is() == "ready") pass(100ms, false);
  EXPECT_LE(now - silent_since, 23s);
  ASSERT_EQ(is(), "stopping");
  int kills = 0;
  for (const Action& action : all) {
    if (const auto* signal = std::get_if<action::SignalWorker>(&action)) kills += signal->kill;
  }
  EXPECT_EQ(kills, 1);
  after(10ms, event::WorkerExited{"killed by signal 9"});
  EXPECT_EQ(is(), "starting") << "a session that was ready is retried at once";
}

TEST_F(TunnelTest, ProgressWithoutRepliesKeepsTheSessionForAMinute) {
  to_up();
  pass(15s);
  ProgressSample sample;
  const auto busy = [&](Millis time) {
    for (const MonoTime end = now + time; now < end && is() == "ready";) {
      pass(250ms, false);
      sample.bytes_received += 1000;
      if (is() == "ready") worker(0ms, Sampled{sample, 1});
    }
  };
  busy(50s);
  EXPECT_EQ(is(), "ready");
  busy(30s);
  EXPECT_EQ(is(), "stopping");
}

TEST_F(TunnelTest, AHintSendsABeatAndTheReplyEndsTheSuspicion) {
  to_up();
  pass(20s);
  after(1s, event::Hint{"address changed"});
  ASSERT_EQ(told<Heartbeat>().size(), 1U);
  EXPECT_EQ(session_of(tunnel)->life, Life::suspect);
  agent(20ms, HeartbeatAck{told<Heartbeat>()[0].seq});
  EXPECT_EQ(session_of(tunnel)->life, Life::alive);
}

TEST_F(TunnelTest, AProcessThatStoodStillAsksAgainBeforeItJudges) {
  to_up();
  pass(14900ms);
  after(100ms, event::Tick{});
  after(60s, event::Tick{});
  EXPECT_EQ(is(), "ready");
  pass(10s, false);
  EXPECT_EQ(is(), "stopping");
}

TEST_F(TunnelTest, TwoStallsInARowEndNoGoodSession) {
  to_up();
  pass(14900ms);
  after(3100ms, event::Tick{});  // due long ago: a beat goes out, and its answer is on its way
  after(wake_at(tunnel, now) - now + 7s, event::Tick{});
  EXPECT_EQ(is(), "ready") << "the answer lies in the pipe";
  agent(0ms, HeartbeatAck{1});
  for (const auto& beat : told<Heartbeat>()) agent(1ms, HeartbeatAck{beat.seq});
  pass(20s);
  EXPECT_EQ(word(), NodeState::up);
  EXPECT_EQ(session_of(tunnel)->life, Life::alive);
}

TEST_F(TunnelTest, ADeadPathIsFoundAfterTheLastStall) {
  to_up();
  pass(14900ms);
  for (int stall = 0; stall < 3; ++stall) after(wake_at(tunnel, now) - now + 7s, event::Tick{});
  ASSERT_EQ(is(), "ready");
  const MonoTime awake_since = now;
  while (is() == "ready" && now < awake_since + 60s) pass(100ms, false);
  EXPECT_EQ(is(), "stopping");
  EXPECT_LE(now - awake_since, 8s);
}

TEST_F(TunnelTest, AMachineThatStallsAgainAndAgainStillFindsADeadPath) {
  to_up();
  pass(14900ms);
  Millis awake{0};
  while (is() == "ready" && awake < 120s) {
    after(wake_at(tunnel, now) - now + 4s, event::Tick{});
    if (is() == "ready") pass(4s, false);
    awake += 4s;
  }
  EXPECT_EQ(is(), "stopping");
  EXPECT_LE(awake, 64s);
}

TEST_F(TunnelTest, TheWorkerHearsFromUsEveryTenSeconds) {
  to_up();
  MonoTime last = now;
  const MonoTime end = now + 200s;
  while (now < end) {
    pass(500ms);
    if (tunnel.spoke_at > last) last = tunnel.spoke_at;
    EXPECT_LE(now - last, 10s);
  }
}

TEST_F(TunnelTest, AWorkerSeenStoppedTwiceIsKilled) {
  to_up();
  after(5s, event::WorkerSeen{true});
  after(5s, event::WorkerSeen{false});
  after(5s, event::WorkerSeen{true});
  EXPECT_EQ(is(), "ready");
  after(5s, event::WorkerSeen{true});
  EXPECT_EQ(is(), "stopping");
  ASSERT_EQ(did<action::SignalWorker>().size(), 1U);
  EXPECT_TRUE(did<action::SignalWorker>()[0].kill);
}

TEST_F(TunnelTest, ItLooksAroundEveryFiveSecondsWhateverElseHappens) {
  MonoTime last = now;
  const auto looks_in_time = [&](Millis time) {
    const MonoTime end = now + time;
    while (now < end) {
      after(std::clamp(wake_at(tunnel, now), now + 1ms, end) - now, event::Tick{});
      if (!did<action::LookAround>().empty()) last = now;
      for (const auto& beat : told<Heartbeat>()) agent(7ms, HeartbeatAck{beat.seq});
      EXPECT_LE(now - last, 5s);
    }
  };
  to_starting();
  looks_in_time(10s);
  worker(100ms, Connected{"192.0.2.7:22", "SHA256:x"});
  looks_in_time(10s);
  agent(10ms, welcome());
  worker(1ms, ForwardReply{"ssh", true, {}});
  worker(1ms, ForwardReply{"web", true, {}});
  looks_in_time(200s);
  after(0ms, event::WorkerExited{"killed by signal 9"});
  EXPECT_EQ(is(), "starting");
  looks_in_time(30s);
}

TEST_F(TunnelTest, AWorkerThatWasSeenStoppedIsLookedAtAgainSoon) {
  to_up();
  pass(20s);
  after(0ms, event::WorkerSeen{true});
  pass(2s);
  EXPECT_EQ(did<action::LookAround>().size(), 1U);
  after(0ms, event::WorkerSeen{true});
  EXPECT_EQ(is(), "stopping");
}

TEST_F(TunnelTest, AManagerThatWaitsForASignOfLifeGetsItInTime) {
  auto quick = std::make_shared<TunnelSetup>(*setup);
  quick->look_every = 1s;
  tunnel = new_tunnel(quick, SessionPolicy{}, now);
  to_up();
  all.clear();
  pass(60s);
  const auto looks = std::ranges::count_if(
      all, [](const Action& action) { return std::holds_alternative<action::LookAround>(action); });
  EXPECT_GE(looks, 60);
}

TEST_F(TunnelTest, IdleItWakesForALookABeatOrACheckAndDoesTheRestWithThem) {
  to_starting();
  worker(1300ms, Connected{"192.0.2.7:22", "SHA256:x"});  // the login takes its time
  agent(10ms, welcome());
  agent(1ms, HeartbeatAck{1});
  worker(1ms, ForwardReply{"ssh", true, {}});
  worker(1ms, ForwardReply{"web", true, {}});
  agent(5ms, VerdictReport{"ssh", Verdict::healthy, {}, 3ms});
  agent(5ms, VerdictReport{"web", Verdict::healthy, {}, 3ms});
  pass(700s);
  constexpr int kMinutes = 15;  // three checks fall into it
  int wakes = 0;
  for (const MonoTime end = now + std::chrono::minutes{kMinutes}; now < end; ++wakes) {
    after(wake_at(tunnel, now) - now, event::Tick{});
    // An answer takes its time, and so does a timer.
    for (const auto& beat : told<Heartbeat>()) agent(7ms, HeartbeatAck{beat.seq});
    now += 1ms;
  }
  EXPECT_LE(wakes, kMinutes * 12 + 6);
}

// ---- the canary ----------------------------------------------------------------------------------

ClientConfig with_canary() {
  ClientConfig config = two_forwards();
  config.canary = CanaryConfig{{"127.0.0.1", 19922}, "ssh"};
  return config;
}

TEST_F(TunnelTest, TheCanaryRunsOnceBeforeUp) {
  begin(with_canary());
  to_forwarding();
  worker(1ms, ForwardReply{"ssh", true, {}});
  ASSERT_EQ(sent<OpenCanary>().size(), 1U);
  EXPECT_EQ(sent<OpenCanary>()[0], (OpenCanary{{"127.0.0.1", 19922}, {"localhost", 20001}}));
  worker(1ms, ForwardReply{"web", true, {}});
  worker(1ms, CanaryReply{true, {}});
  EXPECT_EQ(did<action::RunCanary>().size(), 1U);
  agent(0ms, VerdictReport{"ssh", Verdict::healthy, {}, 3ms});
  agent(0ms, VerdictReport{"web", Verdict::healthy, {}, 3ms});
  EXPECT_EQ(word(), NodeState::unknown);
  after(10ms, event::CanaryDone{true, {}, 12ms});
  EXPECT_EQ(word(), NodeState::up);
  after(60s, event::Hint{"slept"});
  EXPECT_EQ(did<action::RunCanary>().size(), 1U);
}

TEST_F(TunnelTest, ACanaryThatFailsDegradesAndIsTriedWithTheNextCheck) {
  begin(with_canary());
  to_up();
  worker(1ms, CanaryReply{true, {}});
  after(1ms, event::CanaryDone{false, "closed", {}});
  EXPECT_EQ(word(), NodeState::degraded);
  EXPECT_EQ(health(tunnel, now).reason, "canary: closed");
  all.clear();
  pass(61s);
  const auto runs = std::ranges::count_if(
      all, [](const Action& action) { return std::holds_alternative<action::RunCanary>(action); });
  EXPECT_EQ(runs, 1);
}

TEST_F(TunnelTest, AReloadMovesTheCanaryAndTakesItAway) {
  begin(with_canary());
  to_up();
  worker(1ms, CanaryReply{true, {}});
  ClientConfig config = with_canary();
  config.canary->listen.port = 19923;
  after(0ms, event::Reload{std::make_shared<TunnelSetup>(TunnelSetup{config, {}})});
  ASSERT_EQ(sent<OpenCanary>().size(), 1U);
  EXPECT_EQ(sent<OpenCanary>()[0].listen.port, 19923);
  worker(1ms, CanaryReply{true, {}});
  config.canary.reset();
  after(0ms, event::Reload{std::make_shared<TunnelSetup>(TunnelSetup{config, {}})});
  after(1s, event::Hint{"address changed"});
  after(1s, event::CanaryDone{false, "closed", {}});
  EXPECT_EQ(did<action::RunCanary>().size(), 0U);
  EXPECT_EQ(is(), "ready");
}

TEST_F(TunnelTest, WithoutAnAgentARefusedForwardIsAskedForAgainAndAStallIsOneHint) {
  ClientConfig config = with_canary();
  config.agent = false;
  config.forwards[0].listen = Endpoint{"localhost", 20001};
  config.forwards[1].listen = Endpoint{"localhost", 20002};
  begin(config);
  to_greeting();
  worker(0ms, ForwardReply{"ssh", true, {}});
  worker(0ms, ForwardReply{"web", false, "taken"});
  ASSERT_EQ(is(), "ready");
  worker(0ms, ForwardReply{"web", false, "taken"});
  all.clear();
  pass(31s);
  const auto again = std::ranges::count_if(all, [](const Action& action) {
    const auto* send = std::get_if<action::SendWorker>(&action);
    return send != nullptr && std::holds_alternative<Forward>(send->command);
  });
  EXPECT_GE(again, 1);
  after(20s, event::Tick{});
  EXPECT_GT(wake_at(tunnel, now), now) << "a wake-up in the past would spin";
}

TEST_F(TunnelTest, WithoutAnAgentTheCanaryJudgesByWhatTheSessionMoved) {
  ClientConfig config = with_canary();
  config.agent = false;
  config.forwards[0].listen = Endpoint{"localhost", 20001};
  config.forwards[0].expect = Expect{.kind = Expect::Kind::banner, .match = "SSH-2.0-"};
  config.forwards[1].listen = Endpoint{"localhost", 20002};
  begin(config);
  to_greeting();
  EXPECT_EQ(is(), "forwarding");
  EXPECT_EQ(did<action::SendAgent>().size(), 0U);
  worker(0ms, ForwardReply{"ssh", true, {}});
  worker(0ms, ForwardReply{"web", true, {}});
  worker(0ms, CanaryReply{true, {}});
  worker(0ms, Sampled{{100, 0, false}, 1});
  after(1ms, event::CanaryDone{true, {}, 1ms});
  EXPECT_EQ(word(), NodeState::up);
  pass(30s);
  EXPECT_TRUE(tunnel.canary.running);
  worker(0ms, Sampled{{100, 0, false}, 1});
  after(1s, event::CanaryDone{false, "no answer", {}});
  worker(0ms, Sampled{{200, 0, false}, 1});
  EXPECT_EQ(tunnel.forwards[0].verdict, Verdict::service_down);
  pass(30s);
  worker(0ms, Sampled{{200, 0, false}, 1});
  for (int run = 0; run < 2; ++run) {
    after(1s, event::CanaryDone{false, "no answer", {}});
    worker(0ms, Sampled{{200, 0, false}, 1});
    if (run == 0) worker(0ms, Sampled{{200, 0, false}, 1});
  }
  EXPECT_EQ(is(), "stopping");
}

// ---- losing a session ----------------------------------------------------------------------------

TEST_F(TunnelTest, AStableSessionStartsOverWithoutFailures) {
  to_up();
  tunnel.tries[0].failures = 7;
  pass(61s);
  EXPECT_EQ(tunnel.tries[0].failures, 0);
  after(0ms, event::WorkerExited{"killed by signal 9"});
  EXPECT_EQ(is(), "starting");
}

TEST_F(TunnelTest, SessionsThatDoNotLastWaitLongerAndLonger) {
  Millis last{-1};
  for (int i = 0; i < 5; ++i) {
    to_starting();
    worker(0ms, Connected{"a", "b"});
    agent(0ms, welcome());
    worker(1ms, ForwardReply{"ssh", true, {}});
    worker(1ms, ForwardReply{"web", true, {}});
    ASSERT_EQ(is(), "ready");
    worker(1ms, Failed{Failure::lost, "reset"});
    EXPECT_GT(waits(), last);
    last = waits();
    after(last, event::WorkerExited{"exit code 10"});
  }
  EXPECT_GT(last, 6s);
}

TEST_F(TunnelTest, RefusedComesBackWhenTheAgentSaid) {
  to_greeting();
  agent(0ms, Refused{RefusedReason::duplicate, "another machine", 60s});
  EXPECT_EQ(waits(), 60s);
  EXPECT_EQ(health(tunnel, now).reason, "a.example:22: refused (duplicate): another machine");
}

TEST_F(TunnelTest, ARestartRequestOverridesEveryWait) {
  to_greeting();
  agent(0ms, Refused{RefusedReason::disabled, {}, 600s});
  after(0ms, event::WorkerExited{"exit code 0"});
  EXPECT_EQ(is(), "waiting");
  after(1s, event::RestartRequest{});
  EXPECT_EQ(is(), "starting");
}

TEST_F(TunnelTest, StoppingSaysByeThenTermThenKillThenQuits) {
  to_up();
  after(0ms, event::StopRequest{});
  EXPECT_EQ(told<Bye>().size(), 1U);
  ASSERT_EQ(did<action::SignalWorker>().size(), 1U);
  EXPECT_FALSE(did<action::SignalWorker>()[0].kill);
  after(2s, event::Tick{});
  ASSERT_EQ(did<action::SignalWorker>().size(), 1U);
  EXPECT_TRUE(did<action::SignalWorker>()[0].kill);
  after(1ms, event::WorkerExited{"killed by signal 9"});
  EXPECT_EQ(did<action::Quit>().size(), 1U);
}

TEST_F(TunnelTest, DrainingIsReturnedToWhenTheServerSaid) {
  to_up();
  pass(90s);
  agent(0ms, Draining{5s});
  worker(1s, Failed{Failure::closed, "closed by the server"});
  EXPECT_EQ(waits(), 5s);
}

TEST_F(TunnelTest, ASecondServerIsTriedAtOnceAndAfterTheRoundWeWait) {
  ClientConfig config = two_forwards();
  config.servers.push_back({{"b.example", 22}, "reversi"});
  begin(config);
  to_starting();
  worker(10ms, Failed{Failure::no_answer, "no route"});
  after(1ms, event::WorkerExited{"exit code 10"});
  EXPECT_EQ(is(), "starting");
  EXPECT_EQ(sent<Start>()[0].server.host, "b.example");
  worker(10ms, Failed{Failure::no_answer, "no route"});
  after(1ms, event::WorkerExited{"exit code 10"});
  EXPECT_EQ(is(), "waiting");
  EXPECT_EQ(tunnel.server, 0U);
  pass(waits());
  EXPECT_EQ(is(), "starting");
}

TEST_F(TunnelTest, AnOldSessionEndsOnlyWhenNoChannelIsOpen) {
  ClientConfig config = two_forwards();
  config.max_session_age = 300s;
  begin(config);
  to_up();
  pass(400s);
  worker(0ms, Sampled{{}, 1});
  EXPECT_EQ(is(), "ready");
  worker(0ms, Sampled{{}, 0});
  EXPECT_EQ(is(), "stopping");
  EXPECT_EQ(waits(), 0ms);
}

// ---- reload --------------------------------------------------------------------------------------

TEST_F(TunnelTest, AReloadRetargetsWithoutANewSession) {
  to_up();
  ClientConfig config = two_forwards();
  config.forwards[1].target = Endpoint{"10.0.0.9", 80};
  after(0ms, event::Reload{std::make_shared<TunnelSetup>(TunnelSetup{config, {}})});
  EXPECT_EQ(is(), "ready");
  ASSERT_EQ(sent<Retarget>().size(), 1U);
  EXPECT_EQ(sent<Retarget>()[0].forward, "web");
}

TEST_F(TunnelTest, AReloadWithAnotherServerMovesThere) {
  to_up();
  ClientConfig config = two_forwards();
  config.servers[0].endpoint.host = "b.example";
  after(0ms, event::Reload{std::make_shared<TunnelSetup>(TunnelSetup{config, {}})});
  EXPECT_EQ(is(), "stopping");
  after(1ms, event::WorkerExited{"exit code 0"});
  ASSERT_EQ(sent<Start>().size(), 1U);
  EXPECT_EQ(sent<Start>()[0].server.host, "b.example");
}

}  // namespace
}  // namespace reversi::client

#include "server/core/node_view.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "server/core/state_rows.h"
#include "server_builders.h"

namespace reversi::server {
namespace {

using namespace testing;

ForwardStatus forward(const char* name, Verdict verdict) {
  ForwardStatus status;
  status.name = name;
  status.listen = "localhost:20001";
  status.verdict = verdict;
  status.since = at(0);
  return status;
}

/// Each row of a table has a case of this test that names it and is decided by it: its state is the row's.
template <class Rows, class Cases>
void expect_every_row_is_tested(const Rows& rows, const Cases& cases) {
  for (const auto& row : rows) {
    const auto test = std::ranges::find(cases, row.rule, &Cases::value_type::rule);
    ASSERT_NE(test, cases.end()) << "no case for row " << static_cast<int>(row.rule);
    const bool decides = row.rule != StateRule::as_written;
    EXPECT_TRUE(!decides || test->state == row.state) << test->name;
  }
}

struct Judged {
  StateRule rule;  // the row of kSessionRows that it is a test of
  const char* name;
  std::vector<Verdict> verdicts;
  std::optional<std::int64_t> ready_s;     // nothing: not ready
  std::optional<std::int64_t> conflict_s;  // last seen
  std::int64_t now_s;
  NodeState state;
};

TEST(JudgeSession, EveryRowOfTheStateTableHolds) {
  using enum Verdict;
  using enum StateRule;
  const std::vector<Judged> rows = {
      {not_ready, "not ready is down", {unknown}, {}, {}, 10, NodeState::down},
      {not_yet_judged, "ready and unjudged is unknown", {unknown}, 0, {}, 30, NodeState::unknown},
      {not_yet_judged,
       "one unjudged of two is unknown",
       {healthy, unknown},
       0,
       {},
       1,
       NodeState::unknown},
      {not_judged_in_time,
       "unjudged for long is degraded",
       {healthy, unknown},
       0,
       {},
       31,
       NodeState::degraded},
      {good, "healthy is up", {healthy}, 0, {}, 1, NodeState::up},
      {good, "slow is up", {healthy, slow}, 0, {}, 1, NodeState::up},
      {bad_verdict,
       "a service that is down degrades",
       {healthy, service_down},
       0,
       {},
       1,
       NodeState::degraded},
      {bad_verdict,
       "one service, down, still listens",
       {service_down},
       0,
       {},
       1,
       NodeState::degraded},
      {bad_verdict, "service_hung degrades", {service_hung}, 0, {}, 1, NodeState::degraded},
      {bad_verdict, "wrong_answer degrades", {wrong_answer}, 0, {}, 1, NodeState::degraded},
      {bad_verdict, "hung degrades until the session ends", {hung}, 0, {}, 1, NodeState::degraded},
      {bad_verdict,
       "one of two does not listen",
       {healthy, not_listening},
       0,
       {},
       1,
       NodeState::degraded},
      {none_listens, "none listens", {not_listening, port_taken}, 0, {}, 1, NodeState::down},
      {none_listens, "port_taken alone is down", {port_taken}, 0, {}, 1, NodeState::down},
      {bad_verdict, "not_granted degrades", {healthy, not_granted}, 0, {}, 1, NodeState::degraded},
      {bad_verdict,
       "not_requested degrades",
       {healthy, not_requested},
       0,
       {},
       1,
       NodeState::degraded},
      {none_listens,
       "only forwards that nobody asked for",
       {not_requested},
       0,
       {},
       1,
       NodeState::down},
      {none_listens, "no forwards at all", {}, 0, {}, 1, NodeState::down},
      {conflict, "a young conflict degrades", {healthy}, 0, 100, 3699, NodeState::degraded},
      {good, "an old conflict does not", {healthy}, 0, 100, 3700, NodeState::up},
  };
  expect_every_row_is_tested(kSessionRows, rows);
  for (const Judged& row : rows) {
    std::vector<ForwardStatus> forwards;
    for (const Verdict verdict : row.verdicts) forwards.push_back(forward("f", verdict));
    std::optional<ConflictStatus> other;
    if (row.conflict_s) other = ConflictStatus{"192.0.2.1", "m", at(0), at(*row.conflict_s), 1};
    const auto ready = row.ready_s ? std::optional(at(*row.ready_s)) : std::nullopt;
    const Judgement judged = judge_session(forwards, other, ready, at(row.now_s));
    EXPECT_EQ(judged.state, row.state) << row.name << ": " << judged.reason;
    EXPECT_EQ(judged.reason.empty(), row.state == NodeState::up) << row.name << judged.reason;
  }
}

/// A node that is up: its agent lives, the last heartbeat is at 100 s.
NodeFiles healthy_files() {
  NodeFiles files;
  files.node = "cam-07";
  files.record = cam_07();
  files.session = SessionRecord{"s1", "boot", {10, 1}, {11, 1}, "i", "r", "m", at(0), std::nullopt};
  NodeStatus status;
  status.node = "cam-07";
  status.state = NodeState::up;
  status.since = at(1);
  status.last_seen = at(90);
  status.session = SessionStatus{};
  status.session->id = "s1";
  status.forwards = {forward("ssh", Verdict::healthy)};
  files.status = status;
  files.alive_at = at(100);
  files.agent_lives = true;
  return files;
}

struct Viewed {
  StateRule rule;  // the row of kReaderRows that it is a test of
  const char* name;
  void (*change)(NodeFiles&);
  std::int64_t now_s;
  NodeState state;
  const char* reason;  // a part of it
};

TEST(ViewNode, EveryRowOfWhatAReaderSeesHolds) {
  using enum StateRule;
  const std::vector<Viewed> rows = {
      {as_written, "all is well", [](NodeFiles&) {}, 101, NodeState::up, ""},
      {as_written, "a heartbeat at the limit", [](NodeFiles&) {}, 145, NodeState::up, ""},
      {silent, "no heartbeat for too long", [](NodeFiles&) {}, 146, NodeState::down,
       "no heartbeat for 46 s (limit 45 s)"},
      {as_written, "the clock was set back a little", [](NodeFiles&) {}, 55, NodeState::up, ""},
      {clock_set_back, "a heartbeat that is yet to come", [](NodeFiles&) {}, 54, NodeState::down,
       "no heartbeat since the clock was set back"},
      {killed, "the agent is gone", [](NodeFiles& f) { f.agent_lives = false; }, 101,
       NodeState::down, "agent was killed"},
      {ended, "the session ended and said why",
       [](NodeFiles& f) {
         f.agent_lives = false;
         f.session->ended_at = at(100);
         f.status->state = NodeState::down;
         f.status->reason = "bye: stopped";
       },
       101, NodeState::down, "bye: stopped"},
      {ended, "the session ended and nothing was written",
       [](NodeFiles& f) {
         f.agent_lives = false;
         f.session->ended_at = at(100);
       },
       101, NodeState::down, "the session ended"},
      {disabled, "disabled wins over up", [](NodeFiles& f) { f.record->enabled = false; }, 101,
       NodeState::disabled, "disabled"},
      {disabled, "disabled wins over never seen",
       [](NodeFiles& f) {
         f = NodeFiles{};
         f.node = "cam-07";
         f.record = cam_07();
         f.record->enabled = false;
       },
       101, NodeState::disabled, "disabled"},
      {never_seen, "never seen",
       [](NodeFiles& f) {
         f = NodeFiles{};
         f.node = "cam-07";
         f.record = cam_07();
       },
       101, NodeState::never_seen, "never"},
      {no_session, "no record of a session any more",
       [](NodeFiles& f) {
         f.session.reset();
         f.agent_lives = false;
       },
       101, NodeState::down, "no session"},
      {of_another_session, "the status is of the session before",
       [](NodeFiles& f) { f.session->session = "s2"; }, 101, NodeState::down, "being set up"},
      {nothing_written, "a live session that wrote nothing yet",
       [](NodeFiles& f) { f.status.reset(); }, 101, NodeState::unknown, "nothing written"},
      {as_written, "unknown for 30 s",
       [](NodeFiles& f) {
         f.status->state = NodeState::unknown;
         f.status->since = at(80);
       },
       110, NodeState::unknown, ""},
      {unjudged_for_long, "unknown for longer",
       [](NodeFiles& f) {
         f.status->state = NodeState::unknown;
         f.status->since = at(80);
       },
       111, NodeState::degraded, "not judged"},
      {unjudged_for_long, "unknown since a time that is yet to come",
       [](NodeFiles& f) {
         f.status->state = NodeState::unknown;
         f.status->since = at(132);
       },
       101, NodeState::degraded, "not judged"},
      {as_written, "node.json broken, all else well",
       [](NodeFiles& f) {
         f.record.reset();
         f.problem = "node.json: line 1";
       },
       101, NodeState::up, "node.json: line 1"},
      {as_written, "down by its own agent's word",
       [](NodeFiles& f) {
         f.status->state = NodeState::down;
         f.status->reason = "no forward listens";
       },
       101, NodeState::down, "no forward listens"},
  };
  expect_every_row_is_tested(kReaderRows, rows);
  for (const Viewed& row : rows) {
    NodeFiles files = healthy_files();
    row.change(files);
    const NodeStatus status = view_node(files, at(row.now_s));
    EXPECT_EQ(status.state, row.state) << row.name << ": " << status.reason;
    EXPECT_NE(status.reason.find(row.reason), std::string::npos)
        << row.name << ": " << status.reason;
    EXPECT_EQ(status.node, "cam-07") << row.name;
  }
}

TEST(ViewNode, AnOfflineNodesVerdictsAreNotBelieved) {
  NodeFiles files = healthy_files();
  files.agent_lives = false;
  const NodeStatus status = view_node(files, at(101));
  ASSERT_EQ(status.forwards.size(), 1U);
  EXPECT_EQ(status.forwards[0].verdict, Verdict::unknown);
  EXPECT_EQ(status.forwards[0].since, at(100));
  EXPECT_FALSE(status.session);
  EXPECT_EQ(status.since, at(100));
  EXPECT_EQ(status.last_seen, at(100));
}

TEST(ViewNode, EveryGrantedForwardIsListedAndNoOther) {
  NodeFiles files = healthy_files();
  files.record->forwards.push_back({forward_name("web"), 20080, std::nullopt});
  files.status->forwards.push_back(forward("gone", Verdict::healthy));
  files.status->forwards.push_back(forward("wish", Verdict::not_granted));
  std::vector<std::string> names;
  for (const ForwardStatus& each : view_node(files, at(101)).forwards) names.push_back(each.name);
  EXPECT_EQ(names, (std::vector<std::string>{"ssh", "web", "wish"}));
}

TEST(ViewNode, AStatusThatCannotBeWrittenSaysSinceWhen) {
  NodeFiles files = healthy_files();
  files.unwritten_since = at(50);
  EXPECT_EQ(view_node(files, at(101)).unwritten_since, at(50));
}

TEST(OwedDown, AKilledAgentsSessionIsClosedOnceWithHowLongItWasUp) {
  NodeFiles files = healthy_files();
  Event up;
  up.kind = EventKind::up;
  up.at = at(10);
  EXPECT_FALSE(owed_down(files, up, at(200))) << "it lives";
  files.agent_lives = false;
  const auto down = owed_down(files, up, at(200));
  ASSERT_TRUE(down);
  EXPECT_EQ(down->kind, EventKind::down);
  EXPECT_EQ(down->at, at(200));
  EXPECT_EQ(down->session, "s1");
  EXPECT_EQ(down->was_up, Millis{90'000});
  Event earlier_down = up;
  earlier_down.kind = EventKind::down;
  EXPECT_FALSE(owed_down(files, earlier_down, at(200))) << "it never was up";
  EXPECT_FALSE(owed_down(files, std::nullopt, at(200)));
  files.session->ended_at = at(120);
  EXPECT_FALSE(owed_down(files, up, at(200))) << "somebody was here before";
}

}  // namespace
}  // namespace reversi::server

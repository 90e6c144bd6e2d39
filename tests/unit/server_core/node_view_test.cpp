#include "server/core/node_view.h"

#include <gtest/gtest.h>

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

struct Judged {
  const char* name;
  std::vector<Verdict> verdicts;
  std::optional<std::int64_t> ready_s;     // nothing: not ready
  std::optional<std::int64_t> conflict_s;  // last seen
  std::int64_t now_s;
  NodeState state;
};

TEST(JudgeSession, EveryRowOfTheStateTableHolds) {
  using enum Verdict;
  const std::vector<Judged> rows = {
      {"not ready is down", {unknown}, {}, {}, 10, NodeState::down},
      {"ready and unjudged is unknown", {unknown}, 0, {}, 30, NodeState::unknown},
      {"one unjudged of two is unknown", {healthy, unknown}, 0, {}, 1, NodeState::unknown},
      {"unjudged for long is degraded", {healthy, unknown}, 0, {}, 31, NodeState::degraded},
      {"healthy is up", {healthy}, 0, {}, 1, NodeState::up},
      {"slow is up", {healthy, slow}, 0, {}, 1, NodeState::up},
      {"a service that is down degrades", {healthy, service_down}, 0, {}, 1, NodeState::degraded},
      {"one service, down, still listens", {service_down}, 0, {}, 1, NodeState::degraded},
      {"service_hung degrades", {service_hung}, 0, {}, 1, NodeState::degraded},
      {"wrong_answer degrades", {wrong_answer}, 0, {}, 1, NodeState::degraded},
      {"hung degrades until the session ends", {hung}, 0, {}, 1, NodeState::degraded},
      {"one of two does not listen", {healthy, not_listening}, 0, {}, 1, NodeState::degraded},
      {"none listens", {not_listening, port_taken}, 0, {}, 1, NodeState::down},
      {"port_taken alone is down", {port_taken}, 0, {}, 1, NodeState::down},
      {"not_granted degrades", {healthy, not_granted}, 0, {}, 1, NodeState::degraded},
      {"not_requested degrades", {healthy, not_requested}, 0, {}, 1, NodeState::degraded},
      {"only forwards that nobody asked for", {not_requested}, 0, {}, 1, NodeState::down},
      {"no forwards at all", {}, 0, {}, 1, NodeState::down},
      {"a young conflict degrades", {healthy}, 0, 100, 3699, NodeState::degraded},
      {"an old conflict does not", {healthy}, 0, 100, 3700, NodeState::up},
  };
  for (const Judged& row : rows) {
    std::vector<ForwardStatus> forwards;
    for (const Verdict verdict : row.verdicts) forwards.push_back(forward("f", verdict));
    std::optional<ConflictStatus> conflict;
    if (row.conflict_s) conflict = ConflictStatus{"192.0.2.1", "m", at(0), at(*row.conflict_s), 1};
    const auto ready = row.ready_s ? std::optional(at(*row.ready_s)) : std::nullopt;
    const Judgement judged = judge_session(forwards, conflict, ready, at(row.now_s));
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
  const char* name;
  void (*change)(NodeFiles&);
  std::int64_t now_s;
  NodeState state;
  const char* reason;  // a part of it
};

TEST(ViewNode, EveryRowOfWhatAReaderSeesHolds) {
  const Viewed rows[] = {
      {"all is well", [](NodeFiles&) {}, 101, NodeState::up, ""},
      {"a heartbeat at the limit", [](NodeFiles&) {}, 145, NodeState::up, ""},
      {"no heartbeat for too long", [](NodeFiles&) {}, 146, NodeState::down,
       "no heartbeat for 46 s (limit 45 s)"},
      {"the clock was set back a little", [](NodeFiles&) {}, 55, NodeState::up, ""},
      {"a heartbeat that is yet to come", [](NodeFiles&) {}, 54, NodeState::down,
       "no heartbeat since the clock was set back"},
      {"the agent is gone", [](NodeFiles& f) { f.agent_lives = false; }, 101, NodeState::down,
       "agent was killed"},
      {"the session ended and said why",
       [](NodeFiles& f) {
         f.agent_lives = false;
         f.session->ended_at = at(100);
         f.status->state = NodeState::down;
         f.status->reason = "bye: stopped";
       },
       101, NodeState::down, "bye: stopped"},
      {"the session ended and nothing was written",
       [](NodeFiles& f) {
         f.agent_lives = false;
         f.session->ended_at = at(100);
       },
       101, NodeState::down, "the session ended"},
      {"disabled wins over up", [](NodeFiles& f) { f.record->enabled = false; }, 101,
       NodeState::disabled, "disabled"},
      {"disabled wins over never seen",
       [](NodeFiles& f) {
         f = NodeFiles{};
         f.node = "cam-07";
         f.record = cam_07();
         f.record->enabled = false;
       },
       101, NodeState::disabled, "disabled"},
      {"never seen",
       [](NodeFiles& f) {
         f = NodeFiles{};
         f.node = "cam-07";
         f.record = cam_07();
       },
       101, NodeState::never_seen, "never"},
      {"no record of a session any more",
       [](NodeFiles& f) {
         f.session.reset();
         f.agent_lives = false;
       },
       101, NodeState::down, "no session"},
      {"the status is of the session before", [](NodeFiles& f) { f.session->session = "s2"; }, 101,
       NodeState::down, "being set up"},
      {"a live session that wrote nothing yet", [](NodeFiles& f) { f.status.reset(); }, 101,
       NodeState::unknown, "nothing written"},
      {"unknown for 30 s",
       [](NodeFiles& f) {
         f.status->state = NodeState::unknown;
         f.status->since = at(80);
       },
       110, NodeState::unknown, ""},
      {"unknown for longer",
       [](NodeFiles& f) {
         f.status->state = NodeState::unknown;
         f.status->since = at(80);
       },
       111, NodeState::degraded, "not judged"},
      {"node.json broken, all else well",
       [](NodeFiles& f) {
         f.record.reset();
         f.problem = "node.json: line 1";
       },
       101, NodeState::up, "node.json: line 1"},
      {"down by its own agent's word",
       [](NodeFiles& f) {
         f.status->state = NodeState::down;
         f.status->reason = "no forward listens";
       },
       101, NodeState::down, "no forward listens"},
  };
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

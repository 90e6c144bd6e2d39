#include "common/core/status.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/status_line.h"
#include "common/core/status_scan.h"
#include "tests/support/golden.h"

namespace reversi {
namespace {

WallTime at(std::int64_t ms) {
  return WallTime{Millis{1'790'000'000'000 + ms}};
}

NodeStatus full_status() {
  NodeStatus status;
  status.node = "cam-07";
  status.state = NodeState::degraded;
  status.reason = "cam: service refused on 192.168.1.20:80";
  status.since = at(0);
  status.last_seen = at(1);
  status.metered = true;
  status.written_at = at(2);
  status.unwritten_since = at(3);
  status.session = SessionStatus{"5f0c",  "192.0.2.7", 41022,    at(4),  811,      812,
                                 "0.1.0", "linux",     "x86_64", "i-01", "machine"};
  status.forwards = {
      {"ssh", "localhost:20001", "127.0.0.1:22", Verdict::healthy, "", Millis{12}, at(5), at(6)},
      {"cam",
       "localhost:20002",
       "192.168.1.20:80",
       Verdict::service_down,
       "refused",
       {},
       {},
       at(7)}};
  status.conflict = ConflictStatus{"198.51.100.4", "other", at(8), at(9), 3};
  status.last_refused = RefusedStatus{"198.51.100.4", at(10), "duplicate"};
  status.counters = {.sessions = 4, .evictions = 3, .checks = 2, .failed_checks = 1};
  status.backoff = {.failures = 2, .retry_after = Millis{4000}, .spread = Millis{3000}};
  return status;
}

TEST(StatusGolden, TheDocumentKeepsItsForm) {
  testing::expect_golden("status.json", json_text(status_to_json(full_status())));
  testing::expect_golden("status_never_seen.json",
                         json_text(status_to_json(NodeStatus{.node = "new"})));
}

TEST(StatusLine, IsTheDocumentInOneLine) {
  NodeStatus hostile = full_status();
  hostile.reason = "a \"b\" \\ \x01\x7f \xff Gerät\n";
  hostile.forwards[0].target = hostile.session->os = hostile.conflict->machine = hostile.reason;
  hostile.forwards[1].latency = Millis{-1};
  hostile.since = WallTime{Millis{-1}};
  for (const NodeStatus& status : {full_status(), NodeStatus{.node = "new"}, hostile}) {
    std::string line;
    append_status_line(line, status);
    EXPECT_EQ(line, json_line(status_to_json(status)));
  }
}

TEST(StatusScan, SaysWhatTheJsonParserSays) {
  NodeStatus plain = full_status();
  plain.conflict.reset();
  plain.last_refused.reset();
  NodeStatus fresh;
  fresh.node = "new";
  std::string pool;
  for (const NodeStatus& status : {plain, fresh}) {
    const std::string text = json_text(status_to_json(status));
    EXPECT_EQ(scan_status(text), status);
    EXPECT_EQ(scan_status(json_line(status_to_json(status))), status);
    pool += text;
  }
  EXPECT_EQ(scan_status(json_line(status_to_json(full_status()))), std::nullopt);
  // Seeded mutations: whatever it takes, the parser takes, too, and reads the same.
  std::uint32_t seed = 20'261'121;
  const auto random = [&](std::size_t below) {
    seed = seed * 1'664'525 + 1'013'904'223;
    return static_cast<std::size_t>(seed >> 8) % below;
  };
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = json_text(status_to_json(random(2) == 0 ? plain : fresh));
    for (std::size_t edits = random(3); edits > 0; --edits) {
      const std::string piece = pool.substr(random(pool.size() - 40), random(40));
      text.replace(random(text.size()), random(12), piece);
    }
    const auto quick = scan_status(text);
    if (!quick) continue;
    ++taken;
    const auto doc = parse_json(text);
    ASSERT_TRUE(doc) << text;
    const auto slow = status_from_json(*doc);
    ASSERT_TRUE(slow) << text << slow.error().line();
    EXPECT_EQ(*quick, *slow) << text;
  }
  EXPECT_GT(taken, 5000);
}

TEST(Status, IsReadBackAsItWasWritten) {
  EXPECT_EQ(status_from_json(status_to_json(full_status())).value(), full_status());
}

TEST(Status, ANewerSchemaIsReadAsFarAsItIsKnown) {
  Json doc = status_to_json(full_status());
  doc["schema"] = 2;
  doc["weather"] = "fine";
  doc["state"] = "sleeping";
  doc["forwards"][0]["verdict"] = "sunny";
  const auto status = status_from_json(doc);
  ASSERT_TRUE(status) << status.error().line();
  EXPECT_EQ(status->state, NodeState::unknown);
  EXPECT_EQ(status->forwards[0].verdict, Verdict::unknown);
}

TEST(Status, AWrongTypeIsAnErrorThatNamesTheField) {
  Json doc = status_to_json(full_status());
  doc["session"]["sshd_pid"] = "811";
  const auto status = status_from_json(doc);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().line().substr(0, 18), "session: sshd_pid:");
}

TEST(Words, EveryVerdictAndStateHasItsOwnWord) {
  for (int i = 0; i <= static_cast<int>(Verdict::not_requested); ++i) {
    const auto verdict = static_cast<Verdict>(i);
    EXPECT_EQ(parse_verdict(verdict_name(verdict)), verdict);
  }
  for (int i = 0; i <= static_cast<int>(NodeState::degraded); ++i) {
    const auto state = static_cast<NodeState>(i);
    EXPECT_EQ(parse_node_state(node_state_name(state)), state);
  }
}

}  // namespace
}  // namespace reversi

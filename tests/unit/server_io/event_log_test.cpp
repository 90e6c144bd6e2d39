#include "server/io/event_log.h"

#include <nlohmann/json.hpp>

#include "server/io/process.h"
#include "state_dir_fixture.h"

namespace reversi::server {
namespace {

namespace fs = std::filesystem;
using namespace testing;

using EventLogTest = StateDirTest;

Event event(EventKind kind, std::int64_t seconds) {
  return {.at = at(seconds), .kind = kind};
}

TEST_F(EventLogTest, EventsAreReadInTheirOrderSinceATime) {
  const EventLog log(state, node);
  EXPECT_TRUE(log.read({}).empty());
  for (const std::int64_t second : {1, 2, 3}) ASSERT_TRUE(log.append(event(EventKind::up, second)));
  EXPECT_EQ(log.read({}).size(), 3U);
  const auto late = log.read(at(2));
  ASSERT_EQ(late.size(), 2U);
  EXPECT_EQ(late[0].at, at(2));
  EXPECT_EQ(mode_of(file("events.jsonl")) & 07777, 0600U);
}

TEST_F(EventLogTest, OneOldFileIsKeptAndNoneGrowsPastOneMebibyte) {
  const EventLog log(state, node);
  Event big = event(EventKind::refused, 1);
  big.reason = std::string(300, 'x');
  for (int i = 0; i < 9000; ++i) ASSERT_TRUE(log.append(big));
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(state.node_path(node))) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("events")) continue;
    ++files;
    EXPECT_LE(entry.file_size(), 1024U * 1024U + kMaxEventBytes) << name;
  }
  EXPECT_EQ(files, 2U);
  EXPECT_GT(log.read({}).size(), 2500U);
}

TEST_F(EventLogTest, ALineCutByAFullDiskCostsOnlyItself) {
  const EventLog log(state, node);
  ASSERT_TRUE(log.append(event(EventKind::up, 1)));
  std::ofstream(file("events.jsonl"), std::ios::app) << "{\"at\":\"2026-";
  ASSERT_TRUE(log.append(event(EventKind::down, 2)));
  const auto events = log.read({});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].kind, EventKind::down);
}

TEST_F(EventLogTest, WhatIsNoFileOfOursIsReplacedAndNotFollowed) {
  const EventLog log(state, node);
  put(file("victim"), "mine");
  fs::create_symlink(file("victim"), file("events.jsonl"));
  ASSERT_TRUE(log.append(event(EventKind::up, 1)));
  EXPECT_EQ(fs::file_size(file("victim")), 4U);
  EXPECT_EQ(log.read({}).size(), 1U);
  fs::remove(file("events.jsonl"));
  ASSERT_EQ(::mkfifo(file("events.jsonl").c_str(), 0600), 0);
  ASSERT_TRUE(log.append(event(EventKind::up, 1)));
  EXPECT_EQ(log.read({}).size(), 1U);
}

TEST_F(EventLogTest, AMissingDirectoryIsAnErrorAndNothingMore) {
  ASSERT_TRUE(state.remove_node(node));
  EXPECT_FALSE(EventLog(state, node).append(event(EventKind::up, 1)));
}

TEST_F(EventLogTest, AKilledAgentsDownIsWrittenOnceByWhoeverComesNext) {
  const EventLog log(state, node);
  ASSERT_TRUE(log.append(event(EventKind::up, 10)));
  ProcessId gone = own_process();
  gone.start_time += 1;
  ASSERT_TRUE(state.save_session(
      node, {"s1", own_boot_id(), gone, gone, "i", "r", "m", at(0), std::nullopt}));
  ASSERT_TRUE(state.touch_alive(node, {at(100), {}}));
  close_dead_session(state, node, at(200));
  close_dead_session(state, node, at(300));
  const auto events = log.read({});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].kind, EventKind::down);
  EXPECT_EQ(events[1].was_up, Millis{90'000});
  EXPECT_EQ(state.load_session(node)->ended_at, at(100));
}

TEST_F(EventLogTest, ALivingAgentsSessionIsLeftAlone) {
  ASSERT_TRUE(state.save_session(node, {"s1", own_boot_id(), own_process(), own_process(), "i", "r",
                                        "m", at(0), std::nullopt}));
  close_dead_session(state, node, at(200));
  EXPECT_TRUE(EventLog(state, node).read({}).empty());
  EXPECT_FALSE(state.load_session(node)->ended_at);
}

}  // namespace
}  // namespace reversi::server

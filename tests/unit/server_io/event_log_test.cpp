#include "server/io/event_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <nlohmann/json.hpp>

#include "common/io/files.h"
#include "server/io/event_stream.h"
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

TEST_F(EventLogTest, TwoWhoFindItFullMoveItOnce) {
  constexpr int kWriters = 4;
  put(file("events.jsonl"), std::string(1024U * 1024U, 'x') + '\n');
  std::vector<pid_t> writers;
  // They wait for each other at a lock, so that all find it full.
  auto start = lock_file(file("start"), Millis{0});
  ASSERT_TRUE(start);
  for (int i = 0; i < kWriters; ++i) {
    writers.push_back(::fork());
    if (writers.back() != 0) continue;
    static_cast<void>(::flock(::open(file("start").c_str(), O_RDONLY), LOCK_SH));
    for (int j = 0; j < 50; ++j) {
      if (!EventLog(state, node).append(event(EventKind::up, j))) ::_exit(1);
    }
    ::_exit(0);
  }
  ::flock(start->get(), LOCK_UN);  // closing it would not do: the children have it, too
  for (const pid_t writer : writers) {
    int status = 0;
    ASSERT_EQ(::waitpid(writer, &status, 0), writer);
    EXPECT_EQ(status, 0);
  }
  EXPECT_GE(fs::file_size(file("events.jsonl.1")), 1024U * 1024U) << "the old one was lost";
  EXPECT_EQ(EventLog(state, node).read({}).size(), kWriters * 50U);
}

TEST_F(EventLogTest, AFileOfAnotherUserIsNotRead) {
  const EventLog log(state, node);
  ASSERT_TRUE(log.append(event(EventKind::up, 1)));
  if (::chown(file("events.jsonl").c_str(), 65534, 65534) != 0) GTEST_SKIP() << "needs root";
  EXPECT_TRUE(log.read({}).empty());
}

std::vector<std::string> merged(const StateDir& state, std::optional<WallTime> since = {}) {
  std::vector<std::string> found;
  merge_events(state, state.list_nodes(), since, [&](const NodeName& name, const Event& each) {
    found.push_back(name.text() + ' ' + each.reason);
    return true;
  });
  return found;
}

TEST_F(EventLogTest, ManyLogsBecomeOneInTimeOrder) {
  const NodeName other = node_name("cam-08");
  ASSERT_TRUE(state.create_node(other));
  ASSERT_TRUE(state.create_node(node_name("empty")));
  const auto add = [&](const NodeName& to, std::int64_t second) {
    Event each = event(EventKind::up, second);
    each.reason = std::to_string(second);
    ASSERT_TRUE(EventLog(state, to).append(each));
  };
  for (const std::int64_t second : {1, 4, 9}) add(node, second);
  std::ofstream(file("events.jsonl"), std::ios::app) << "no event\n{}\n" << std::string(9000, 'x');
  // A verdict that an agent held back stands behind what came after it.
  for (const std::int64_t second : {2, 8, 5, 20}) add(other, second);
  const std::vector<std::string> all{"cam-07 1", "cam-08 2", "cam-07 4", "cam-08 5",
                                     "cam-08 8", "cam-07 9", "cam-08 20"};
  EXPECT_EQ(merged(state), all);
  EXPECT_EQ(merged(state, at(5)), std::vector<std::string>(all.begin() + 3, all.end()));
}

TEST_F(EventLogTest, TwoFullFilesAreMergedWholeWithoutBeingHeldInMemory) {
  const EventLog log(state, node);
  Event each = event(EventKind::refused, 0);
  for (int i = 0; i < 9000; ++i) {
    each.at = at(i);
    each.reason = std::to_string(i) + std::string(250, 'x');
    ASSERT_TRUE(log.append(each));
  }
  const std::size_t kept = log.read({}).size();
  WallTime last{};
  std::size_t count = 0;
  bool has_moved = false;
  merge_events(state, {node}, {}, [&](const NodeName&, const Event& next) {
    EXPECT_GE(next.at, last);
    last = next.at;
    // In the middle of the present file it is moved aside, as an agent does when it is full.
    if (++count == kept - 1000 && !has_moved) {
      has_moved = true;
      fs::rename(file("events.jsonl"), file("events.jsonl.1"));
      EXPECT_TRUE(log.append(event(EventKind::up, 10'000)));
    }
    return true;
  });
  EXPECT_EQ(count, kept) << "the new file is the next reader's";
  EXPECT_EQ(last, at(8999));
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

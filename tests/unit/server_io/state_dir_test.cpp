#include "server/io/state_dir.h"

#include <fcntl.h>

#include <nlohmann/json.hpp>

#include "common/io/clock.h"
#include "server/io/own_file.h"
#include "server/io/process.h"
#include "state_dir_fixture.h"

namespace reversi::server {
namespace {

namespace fs = std::filesystem;
using namespace testing;

SessionRecord own_session() {
  return {"s1", own_boot_id(), own_process(), own_process(), "i", "r", "m", at(0), std::nullopt};
}

TEST_F(StateDirTest, WhatIsSavedIsLoadedAndIsOursAlone) {
  EXPECT_EQ(state.load_node(node).value(), cam_07());
  ASSERT_TRUE(state.save_session(node, own_session()));
  EXPECT_EQ(state.load_session(node).value(), own_session());
  NodeStatus status;
  status.node = "cam-07";
  ASSERT_TRUE(state.save_status(node, status));
  EXPECT_EQ(state.load_status(node).value(), status);
  for (const char* name : {"node.json", "session.json", "status.json"}) {
    EXPECT_EQ(mode_of(file(name)) & 07777, 0600U) << name;
  }
  EXPECT_EQ(mode_of(state.node_path(node)) & 07777, 0700U);
  EXPECT_EQ(mode_of(dir) & 07777, 0700U);
}

TEST_F(StateDirTest, ADirectoryThatOthersCouldReadIsClosed) {
  ::chmod(dir.c_str(), 0755);
  ASSERT_TRUE(StateDir::open_existing(dir));
  EXPECT_EQ(mode_of(dir) & 07777, 0700U);
}

TEST_F(StateDirTest, ANodeIsCreatedOnceAndRemovedWhole) {
  const auto again = state.create_node(node);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Errc::exists);
  ASSERT_TRUE(state.remove_node(node));
  EXPECT_FALSE(state.has_node(node));
  EXPECT_EQ(state.count_nodes(), 0U);
}

TEST_F(StateDirTest, OnlyDirectoriesWithANodesNameAreNodes) {
  fs::create_directory(dir + "/nodes/.hidden");
  fs::create_directory(dir + "/nodes/UPPER");
  fs::create_directory(dir + "/nodes/abc");
  put(dir + "/nodes/file", "x");
  fs::create_symlink("/etc", dir + "/nodes/link");
  std::vector<std::string> names;
  for (const NodeName& each : state.list_nodes()) names.push_back(each.text());
  EXPECT_EQ(names, (std::vector<std::string>{"abc", "cam-07"}));
  EXPECT_FALSE(state.has_node(node_name("link")));
}

/// What somebody could put in place of a file.
struct Hostile {
  const char* name;
  void (*put)(const std::string& path);
};
const Hostile kHostile[] = {
    {"link to another file",
     [](const std::string& path) {
       std::ofstream(path + ".victim") << "{\"mine\": true}";
       fs::create_symlink(path + ".victim", path);
     }},
    {"link to nowhere", [](const std::string& path) { fs::create_symlink("/nowhere/x", path); }},
    {"fifo", [](const std::string& path) { ::mkfifo(path.c_str(), 0600); }},
    {"directory", [](const std::string& path) { fs::create_directories(path + "/inside"); }},
    {"another user's file",
     [](const std::string& path) {
       std::ofstream(path) << "{}";
       if (::chown(path.c_str(), 65534, 65534) != 0) fs::remove(path);  // only root can try it
     }},
};

TEST_F(StateDirTest, WhatIsNoFileOfOursIsNotBelievedAndIsReplaced) {
  for (const Hostile& hostile : kHostile) {
    for (const char* name : {"node.json", "session.json", "status.json"}) {
      fs::remove_all(file(name));
      hostile.put(file(name));
    }
    EXPECT_FALSE(state.load_node(node)) << hostile.name;
    EXPECT_FALSE(state.load_session(node)) << hostile.name;
    EXPECT_FALSE(state.load_status(node)) << hostile.name;
    EXPECT_TRUE(state.save_node(cam_07())) << hostile.name;
    EXPECT_TRUE(state.save_session(node, own_session())) << hostile.name;
    EXPECT_TRUE(state.save_status(node, NodeStatus{.node = "cam-07"})) << hostile.name;
    EXPECT_TRUE(state.load_node(node)) << hostile.name;
    EXPECT_TRUE(state.load_session(node)) << hostile.name;
    EXPECT_TRUE(state.load_status(node)) << hostile.name;
  }
  EXPECT_EQ(fs::file_size(file("node.json.victim")), 14U) << "a link was followed";
}

TEST_F(StateDirTest, WhatAPowerCutLeftIsSweptAndWhatIsBeingWrittenIsNot) {
  for (const char* name : {"node.json.tmp.0123abcd", "status.json.tmp.89abcdef"}) {
    put(file(name), "{");
  }
  const timespec old[2] = {{1'000, 0}, {1'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file("node.json.tmp.0123abcd").c_str(), old, 0), 0);
  sweep_left_over(state.node_path(node), wall_now());
  EXPECT_FALSE(fs::exists(file("node.json.tmp.0123abcd")));
  EXPECT_TRUE(fs::exists(file("status.json.tmp.89abcdef")));
  EXPECT_TRUE(fs::exists(file("node.json")));
  sweep_left_over(state.node_path(node), wall_now() + Millis{kLeftOverAge} * 2);
  EXPECT_FALSE(fs::exists(file("status.json.tmp.89abcdef")));
  put(dir + "/server.json.tmp.0123abcd", "{");
  ASSERT_EQ(::utimensat(AT_FDCWD, (dir + "/server.json.tmp.0123abcd").c_str(), old, 0), 0);
  EXPECT_TRUE(state.lock_all(Millis{100}));
  EXPECT_FALSE(fs::exists(dir + "/server.json.tmp.0123abcd"));
}

TEST_F(StateDirTest, HostileLocksAndHeartbeatsAreReplacedToo) {
  for (const Hostile& hostile : kHostile) {
    for (const char* name : {"alive", "lock"}) {
      fs::remove_all(file(name));
      hostile.put(file(name));
    }
    EXPECT_TRUE(state.touch_alive(node, {at(5), {}})) << hostile.name;
    EXPECT_EQ(state.load_alive(node).value().at, at(5)) << hostile.name;
    EXPECT_TRUE(state.lock_node(node, Millis{100})) << hostile.name;
  }
}

TEST_F(StateDirTest, AliveTellsTheHeartbeatAndSinceWhenNothingCouldBeWritten) {
  EXPECT_FALSE(state.load_alive(node));
  ASSERT_TRUE(state.touch_alive(node, {at(100), {}}));
  EXPECT_EQ(state.load_alive(node)->at, at(100));
  EXPECT_FALSE(state.load_alive(node)->unwritten_since);
  ASSERT_TRUE(state.touch_alive(node, {at(115), at(60)}));
  EXPECT_EQ(state.load_alive(node)->at, at(115));
  EXPECT_EQ(state.load_alive(node)->unwritten_since, at(60));
}

TEST_F(StateDirTest, ACorruptFileIsNamedAndTheRestIsRead) {
  put(file("status.json"), "{\"node\": \"cam-07\",");
  put(file("session.json"), std::string(2 * 1024 * 1024, 'x'));
  const NodeFiles files = state.load_files(node);
  EXPECT_TRUE(files.record);
  EXPECT_FALSE(files.status);
  EXPECT_NE(files.problem.find("status.json: line 1"), std::string::npos) << files.problem;
  EXPECT_NE(files.problem.find("session.json: larger"), std::string::npos) << files.problem;
}

TEST_F(StateDirTest, ACorruptNodeFileStaysWhereItIs) {
  put(file("node.json"), "{");
  EXPECT_FALSE(state.load_node(node));
  EXPECT_NE(state.load_files(node).problem.find("node.json"), std::string::npos);
  EXPECT_EQ(fs::file_size(file("node.json")), 1U);
}

TEST_F(StateDirTest, TheAgentLivesOnlyAsExactlyTheRecordedProcess) {
  SessionRecord session = own_session();
  ASSERT_TRUE(state.save_session(node, session));
  EXPECT_TRUE(state.load_files(node).agent_lives);
  SessionRecord other = session;
  other.agent.start_time += 1;
  ASSERT_TRUE(state.save_session(node, other));
  EXPECT_FALSE(state.load_files(node).agent_lives) << "another process has its pid";
  other = session;
  other.boot_id = "another boot";
  ASSERT_TRUE(state.save_session(node, other));
  EXPECT_FALSE(state.load_files(node).agent_lives) << "another boot";
}

TEST_F(StateDirTest, ABrokenPolicyMeansTheDefaultsAndIsReported) {
  EXPECT_EQ(state.load_policy().policy, ServerPolicy{});
  EXPECT_EQ(state.load_policy().problem, "");
  put(dir + "/server.json", "{\"heartbeat_ms\": 1000, \"colour\": 1} // mine");
  EXPECT_EQ(state.load_policy().policy.heartbeat, Millis{1000});
  EXPECT_NE(state.load_policy().problem.find("unknown key colour"), std::string::npos);
  put(dir + "/server.json", "{\"heartbeat_ms\": 0}");
  EXPECT_EQ(state.load_policy().policy, ServerPolicy{});
  EXPECT_NE(state.load_policy().problem.find("server.json"), std::string::npos);
  put(dir + "/server.json", "{\"heartbeat_ms\": 2000,");
  EXPECT_EQ(state.load_policy().policy, ServerPolicy{});
  EXPECT_FALSE(state.save_policy_text(kAuthorizedKeysKey, "/x"))
      << "a broken server.json is not overwritten";
}

TEST_F(StateDirTest, TheAuthorizedKeysPathIsKeptBesideTheRest) {
  put(dir + "/server.json", "{\"heartbeat_ms\": 1000}");
  ASSERT_TRUE(state.save_policy_text(kAuthorizedKeysKey, "/etc/keys"));
  EXPECT_EQ(state.load_policy().policy.authorized_keys, "/etc/keys");
  EXPECT_EQ(state.load_policy().policy.heartbeat, Millis{1000});
}

TEST_F(StateDirTest, ALockHasALimit) {
  const auto held = state.lock_node(node, Millis{100});
  ASSERT_TRUE(held);
  const auto second = state.lock_node(node, Millis{50});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Errc::timeout);
}

TEST(StateDirOpen, AMissingNamedDirectoryIsMadeWithItsParents) {
  const std::string base = StateDirTest::make_directory();
  const auto state = StateDir::open(base + "/a/b");
  ASSERT_TRUE(state) << state.error().line();
  EXPECT_EQ(state->path(), base + "/a/b");
  EXPECT_EQ(StateDirTest::mode_of(base + "/a/b") & 07777, 0700U);
  fs::remove_all(base);
}

TEST(StateDirOpen, AFileIsNoDirectory) {
  const std::string base = StateDirTest::make_directory();
  StateDirTest::put(base + "/file", "x");
  EXPECT_FALSE(StateDir::open(base + "/file"));
  EXPECT_FALSE(StateDir::open(base + "/file/below"));
  fs::remove_all(base);
}

}  // namespace
}  // namespace reversi::server

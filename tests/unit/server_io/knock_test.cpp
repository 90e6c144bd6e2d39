// Keys that are known, and keys that knock: on files.

#include <fcntl.h>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "server/io/event_log.h"
#include "server/io/key_finder.h"
#include "server/io/last_refused.h"
#include "server/io/pending_dir.h"
#include "state_dir_fixture.h"

namespace reversi::server {
namespace {

using namespace testing;

const PublicKey kA = public_key(kKeyA);
const PublicKey kB = public_key(kKeyB);

/// A well-formed key that nobody has.
PublicKey stranger(int number) {
  std::string blob = kA.blob;
  for (int i = 0; i < 4; ++i, number /= 26) {
    blob[40 + static_cast<std::size_t>(i)] = static_cast<char>('a' + number % 26);
  }
  return public_key("ssh-ed25519 " + blob);
}

class KeyFinderTest : public StateDirTest {
 protected:
  std::string found(const PublicKey& key, WallTime now) {
    const auto record = find_node_of_key(state, key, now);
    return record ? record->node.text() : "";
  }
  /// The index's mtime is the real clock's.
  WallTime soon() {
    struct stat info {};
    ::stat((dir + "/key-index").c_str(), &info);
    return WallTime{std::chrono::seconds{info.st_mtim.tv_sec + 1}};
  }
  WallTime later() { return soon() + kLater; }
  static constexpr Millis kLater{10'000};

  void write_by_hand(const NodeRecord& record) {
    put(state.node_file(record.node, "node.json"), json_text(node_to_json(record)));
  }
};

TEST_F(KeyFinderTest, FindsANodeByItsKeyAndNobodyByAnother) {
  EXPECT_EQ(found(kA, soon()), "cam-07");
  EXPECT_EQ(found(kA, soon()), "cam-07");
  EXPECT_EQ(found(kB, soon()), "");
}

TEST_F(KeyFinderTest, AVerbsChangeCountsAtOnce) {
  EXPECT_EQ(found(kB, soon()), "");
  NodeRecord other = cam_07();
  other.node = node_name("cam-08");
  other.keys = {kB};
  ASSERT_TRUE(state.create_node(other.node));
  ASSERT_TRUE(state.save_node(other));
  EXPECT_EQ(found(kB, soon()), "cam-08");
  other.keys = {stranger(1)};
  ASSERT_TRUE(state.save_node(other));
  EXPECT_EQ(found(kB, soon()), "");
  EXPECT_EQ(found(stranger(1), soon()), "cam-08");
  ASSERT_TRUE(state.remove_node(other.node));
  EXPECT_EQ(found(stranger(1), soon()), "");
}

TEST_F(KeyFinderTest, AChangeByHandCountsOnceTheIndexIsNoLongerBelieved) {
  EXPECT_EQ(found(kA, soon()), "cam-07");
  NodeRecord changed = cam_07();
  changed.keys = {kB};
  write_by_hand(changed);
  EXPECT_EQ(found(kA, soon()), "") << "the index says yes, the file says no";
  EXPECT_EQ(found(kB, later()), "cam-07");
}

TEST_F(KeyFinderTest, UnknownKeysDoNotCostALookEach) {
  EXPECT_EQ(found(kA, soon()), "cam-07");
  // A node that no verb added, and whose directory's time was set back, as a restore may do.
  struct stat before {};
  ASSERT_EQ(::stat((dir + "/nodes").c_str(), &before), 0);
  NodeRecord other = cam_07();
  other.node = node_name("cam-08");
  other.keys = {kB};
  std::filesystem::create_directory(dir + "/nodes/cam-08");
  write_by_hand(other);
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, (dir + "/nodes").c_str(), times, 0), 0);
  EXPECT_EQ(found(kB, soon()), "") << "nobody looked";
  EXPECT_EQ(found(kB, later()), "cam-08");
}

TEST_F(KeyFinderTest, AnIndexThatLiesOrIsNoFileChangesNothing) {
  put(dir + "/key-index", "reversi-key-index-1 1\ncam-99 1 " + to_hex(digest_of(kA)) + '\n');
  EXPECT_EQ(found(kA, later()), "cam-07");
  std::filesystem::remove(dir + "/key-index");
  std::filesystem::create_directory(dir + "/key-index");
  EXPECT_EQ(found(kA, later()), "cam-07");
  std::filesystem::remove_all(dir + "/key-index");
  std::filesystem::create_symlink("/etc/passwd", dir + "/key-index");
  EXPECT_EQ(found(kA, later()), "cam-07");
}

class PendingDirTest : public StateDirTest {
 protected:
  Noted note(const PublicKey& key, std::int64_t seconds) {
    return note_knock(state, key, std::nullopt, policy, at(seconds)).value();
  }
  std::size_t files() const {
    const std::filesystem::directory_iterator all(dir + "/pending");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  ServerPolicy policy;
};

TEST_F(PendingDirTest, AKeyIsNotedOnceAMinuteAndForgotten) {
  EXPECT_EQ(note(kA, 0), Noted::written);
  EXPECT_EQ(note(kA, 59), Noted::already);
  EXPECT_EQ(note(kA, 60), Noted::written);
  ASSERT_EQ(list_pending(state).size(), 1U);
  EXPECT_EQ(list_pending(state)[0].count, 2);
  EXPECT_EQ(mode_of(dir + "/pending") & 0777, 0700U);
  EXPECT_EQ(mode_of(dir + "/pending/" + to_hex(digest_of(kA)) + ".json") & 0777, 0600U);
  EXPECT_TRUE(remove_pending(state, kA));
  EXPECT_TRUE(remove_pending(state, kA));
  EXPECT_TRUE(list_pending(state).empty());
}

TEST_F(PendingDirTest, AFullListRefusesNewcomersAndPushesNobodyOut) {
  policy.pending_most = 8;
  for (int i = 0; i < 8; ++i) EXPECT_EQ(note(stranger(i), i), Noted::written) << i;
  for (int i = 8; i < 40; ++i) EXPECT_EQ(note(stranger(i), i), Noted::full) << i;
  EXPECT_EQ(files(), 8U);
  EXPECT_EQ(note(stranger(3), 100), Noted::written) << "one that is there is still noted";
  for (const PendingKey& entry : list_pending(state)) EXPECT_LT(entry.first, at(8));
  // Seven silent days make room, but not for the one that was heard later.
  EXPECT_EQ(note(stranger(50), 7 * 86'400 + 50), Noted::written);
  ASSERT_EQ(files(), 2U);
  EXPECT_EQ(list_pending(state)[0].key, stranger(3));
}

TEST_F(PendingDirTest, WhatIsNoEntryIsNeitherListedNorInTheWay) {
  const std::string name = "/pending/" + to_hex(digest_of(kA)) + ".json";
  EXPECT_EQ(note(kB, 0), Noted::written);
  put(dir + name, "{}");
  put(dir + "/pending/left.tmp.1234", "x");
  EXPECT_EQ(list_pending(state).size(), 1U);
  EXPECT_EQ(note(kA, 0), Noted::written);
  EXPECT_EQ(files(), 2U);
  std::filesystem::remove_all(dir + "/pending");
  std::filesystem::create_symlink("/etc", dir + "/pending");
  EXPECT_EQ(note(kA, 0), Noted::written);
  EXPECT_TRUE(S_ISDIR(mode_of(dir + "/pending")));
}

TEST_F(PendingDirTest, AKeyThatIsTooLargeIsNotKept) {
  EXPECT_EQ(note({"ssh-rsa", std::string(5000, 'A'), ""}, 0), Noted::too_large);
  EXPECT_TRUE(list_pending(state).empty());
}

TEST_F(StateDirTest, TheLastRefusalIsTheLatestOfAllPlaces) {
  EXPECT_FALSE(load_last_refused(state, node));
  const EventLog log(state, node);
  ASSERT_TRUE(log.append(
      {.at = at(10), .kind = EventKind::refused, .reason = "disabled: x", .address = "192.0.2.1"}));
  ASSERT_TRUE(log.append({.at = at(11), .kind = EventKind::changed, .reason = "\"refused\""}));
  EXPECT_EQ(load_last_refused(state, node)->address, "192.0.2.1");
  note_refused(state, node, "192.0.2.2", "from", at(20));
  note_refused(state, node, "192.0.2.3", "from", at(79));
  EXPECT_EQ(load_last_refused(state, node)->address, "192.0.2.2");
  EXPECT_EQ(load_last_refused(state, node)->at, at(20));
  note_refused(state, node, "192.0.2.3", "from", at(80));
  EXPECT_EQ(load_last_refused(state, node)->address, "192.0.2.3");
}

}  // namespace
}  // namespace reversi::server

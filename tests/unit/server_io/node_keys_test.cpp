#include "server/io/node_keys.h"

#include "server/core/authorized_keys.h"
#include "server/io/host_keys.h"
#include "server/io/process.h"
#include "tests/unit/server_io/state_dir_fixture.h"

namespace reversi::server {
namespace {

using namespace testing;

const std::string kKeyThird =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

class NodeKeysTest : public StateDirTest {
 protected:
  void SetUp() override {
    StateDirTest::SetUp();
    ASSERT_TRUE(state.save_policy_text(kAuthorizedKeysKey, keys));
    install(cam_07());
  }
  void install(const NodeRecord& record) {
    const auto lines = authorized_lines(record, {own_executable().value(), state.path()}).value();
    put(keys, replace_lines("ssh-rsa AAAA mine\n", node, state.path(), lines).value());
  }
  std::string lines() const { return read_file(keys, 100'000).value(); }
  bool has(const std::string& key) const {
    return lines().find(public_key(key).blob) != std::string::npos;
  }
  std::string keys = state.path() + "/authorized_keys";
};

TEST_F(NodeKeysTest, AKeyIsLetInAndTheOldOneGoesWithTheFirstLogin) {
  ASSERT_TRUE(let_key_in(state, node, kKeyB + " whatever"));
  EXPECT_TRUE(has(kKeyA) && has(kKeyB));
  EXPECT_FALSE(settle_key(state, node, public_key(kKeyA).blob).value()) << "a login with the old";
  EXPECT_TRUE(has(kKeyA));
  EXPECT_TRUE(settle_key(state, node, public_key(kKeyB).blob).value());
  EXPECT_FALSE(has(kKeyA));
  EXPECT_EQ(state.load_node(node)->keys.size(), 1U);
  EXPECT_EQ(lines().find("--key"), std::string::npos);
  EXPECT_NE(lines().find("ssh-rsa AAAA mine\n"), std::string::npos);
  EXPECT_FALSE(settle_key(state, node, public_key(kKeyB).blob).value()) << "done already";
}

TEST_F(NodeKeysTest, OneThatWasKilledHalfWayIsDoneByTheNextLogin) {
  ASSERT_TRUE(let_key_in(state, node, kKeyB));
  NodeRecord half = state.load_node(node).value();
  half.keys = {*half.next_key};
  ASSERT_TRUE(state.save_node(half));  // and the old line is still there
  EXPECT_TRUE(settle_key(state, node, public_key(kKeyB).blob).value());
  EXPECT_FALSE(has(kKeyA));
}

TEST_F(NodeKeysTest, ABrokenServerJsonLetsNoKeyInAndSettlesNone) {
  ASSERT_TRUE(let_key_in(state, node, kKeyB));
  const std::string before = lines();
  put(state.path() + "/server.json", "{\"port_first\": \"low\"}");
  ASSERT_EQ(::setenv("HOME", dir.c_str(), 1), 0);  // what the defaults would take
  EXPECT_EQ(settle_key(state, node, public_key(kKeyB).blob).error().code(), Errc::config);
  EXPECT_TRUE(state.load_node(node)->next_key) << "there is something left to do";
  EXPECT_EQ(let_key_in(state, node, kKeyThird).error().code(), Errc::config);
  EXPECT_EQ(lines(), before);
  EXPECT_FALSE(std::filesystem::exists(dir + "/.ssh"));
}

TEST_F(NodeKeysTest, AHalfMadeNodeBlocksNobodysRotation) {
  ASSERT_TRUE(state.create_node(node_name("cam-08")));
  EXPECT_TRUE(let_key_in(state, node, kKeyB));
}

TEST_F(NodeKeysTest, WhatIsRefusedChangesNothing) {
  const std::string before = lines();
  const NodeName other = node_name("cam-08");
  ASSERT_TRUE(state.create_node(other));
  NodeRecord theirs = cam_07();
  theirs.node = other;
  theirs.keys = {public_key(kKeyB)};
  ASSERT_TRUE(state.save_node(theirs));
  EXPECT_EQ(let_key_in(state, node, kKeyB).error().code(), Errc::exists);
  EXPECT_EQ(let_key_in(state, node, kKeyA).error().code(), Errc::exists);
  EXPECT_EQ(let_key_in(state, node, "junk").error().code(), Errc::refused);
  put(keys, "");
  EXPECT_EQ(let_key_in(state, node, kKeyThird).error().code(), Errc::config) << "the wrong file";
  put(keys, before);
  EXPECT_EQ(state.load_node(node).value(), cam_07());
}

TEST_F(NodeKeysTest, HostKeysAreAnnouncedOnceAndWithinTheProtocolsLine) {
  ServerPolicy policy;
  policy.host_key_files = {dir + "/a.pub", dir + "/b.pub", dir + "/missing.pub"};
  put(dir + "/a.pub", kKeyA + " root@tunnel\n");
  put(dir + "/b.pub", "no key\n");
  policy.next_host_keys = {kKeyA, kKeyB + " next"};
  EXPECT_EQ(announced_host_keys(policy), (std::vector<std::string>{kKeyA, kKeyB}));
}

}  // namespace
}  // namespace reversi::server

#include "client/core/learned.h"

#include <gtest/gtest.h>

namespace reversi::client {
namespace {

const ServerConfig kHome{{"a.example", 22}, "reversi"};
const ServerConfig kSecond{{"b.example", 2222}, "reversi"};
const std::string kOld = "ssh-ed25519 OLD";
const std::string kNew = "ssh-ed25519 NEW";

TEST(Learn, PresentAndNextKeysAreKeptUntilALoginWithTheNext) {
  const Learned both = learn({}, {kHome}, {kHome, kOld, {kOld, kNew}, {}});
  EXPECT_EQ(both.host_keys.at("a.example:22"), (std::vector<std::string>{kOld, kNew}));
  // The server was told of its new key before its sshd was restarted.
  const Learned early = learn(both, {kHome}, {kHome, kOld, {kNew}, {}});
  EXPECT_EQ(early.host_keys.at("a.example:22"), (std::vector<std::string>{kNew, kOld}));
  const Learned after = learn(early, {kHome}, {kHome, kNew, {kNew}, {}});
  EXPECT_EQ(after.host_keys.at("a.example:22"), std::vector<std::string>{kNew});
}

TEST(Learn, AnAnnouncedNameHasTheKeysOfTheServerThatAnnouncedIt) {
  const Learned learned =
      learn({}, {kHome}, {kHome, kOld, {kOld}, {"a.example:22", "b.example:2222"}});
  EXPECT_EQ(learned.servers, std::vector<ServerConfig>{kSecond});
  EXPECT_EQ(learned.host_keys.at("b.example:2222"), std::vector<std::string>{kOld});
  EXPECT_EQ(known_hosts_text(learned),
            "# What the servers say of themselves; written by reversi-client.\n"
            "a.example ssh-ed25519 OLD\n[b.example]:2222 ssh-ed25519 OLD\n");
  EXPECT_EQ(with_learned({kHome}, learned), (std::vector<ServerConfig>{kHome, kSecond}));
}

TEST(Learn, ItsKeysDoNotCountForAnotherConfiguredServer) {
  const Learned learned = learn({}, {kHome, kSecond}, {kHome, kOld, {kOld}, {"b.example:2222"}});
  EXPECT_TRUE(learned.servers.empty());
  EXPECT_FALSE(learned.host_keys.contains("b.example:2222"));
}

TEST(Learn, TheNameInUseStaysUntilALoginByAnother) {
  const Learned first = learn({}, {kHome}, {kHome, kOld, {kOld}, {"b.example:2222"}});
  const Learned second = learn(first, {kHome}, {kSecond, kOld, {kOld}, {"c.example:22"}});
  ASSERT_EQ(second.servers.size(), 2U);
  EXPECT_EQ(second.servers[1], kSecond);
  const Learned third = learn(second, {kHome}, {second.servers[0], kOld, {kOld}, {"c.example:22"}});
  ASSERT_EQ(third.servers.size(), 1U);
  EXPECT_EQ(third.servers[0].endpoint.host, "c.example");
  EXPECT_FALSE(third.host_keys.contains("b.example:2222"));
  EXPECT_EQ(learn(third, {kHome}, {kHome, kOld, {kOld}, {}}).servers, third.servers) << "no change";
}

TEST(Learn, WhatIsNoKeyAndNoNameIsLeftOut) {
  const Learned learned =
      learn({}, {kHome},
            {kHome,
             kOld,
             {kOld, "", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 A\n@revoked", "ssh-dss AAAA",
              "* ssh-ed25519 AAAA", "ssh-ed25519 " + std::string(5000, 'A'), kNew + " a comment"},
             {"", "*:22", "no port", "a b:22", "-x:22", "b.example:0"}});
  EXPECT_EQ(learned.host_keys.at("a.example:22"), (std::vector<std::string>{kOld, kNew}));
  EXPECT_TRUE(learned.servers.empty());
}

TEST(Learn, ThereIsABoundHoweverOftenAServerChangesItsMind) {
  Learned learned;
  for (int i = 0; i < 50; ++i) {
    const std::string number = std::to_string(i);
    learned =
        learn(learned, {kHome}, {kHome, kOld, {"ssh-ed25519 A" + number}, {"h" + number + ":22"}});
  }
  EXPECT_LE(learned.host_keys.at("a.example:22").size(), kMostLearned);
  EXPECT_EQ(learned.host_keys.at("a.example:22").front(), "ssh-ed25519 A49");
  EXPECT_EQ(learned.servers.size(), 1U);
  EXPECT_EQ(learned.host_keys.size(), 2U);
}

}  // namespace
}  // namespace reversi::client

#include "client/io/learned_files.h"

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "client/core/identity_files.h"
#include "client/io/next_key.h"
#include "common/io/files.h"
#include "tests/support/scratch_dir.h"

namespace reversi::client {
namespace {

class LearnedFilesTest : public ::testing::Test {
 protected:
  std::string at(const std::string& name) const { return scratch.path() + '/' + name; }
  void put(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(write_file(at(name), text, 0600, Sync::none));
  }
  std::string text(const std::string& name) const {
    return read_file(at(name), 100'000).value_or("missing");
  }
  reversi::testing::ScratchDir scratch;
  const Learned learned{{{{"b.example", 2222}, "reversi"}},
                        {{"b.example:2222", {"ssh-ed25519 AAAA", "ssh-rsa BBBB"}}}};
};

TEST_F(LearnedFilesTest, WhatIsSavedIsLoadedAndWrittenOnce) {
  ASSERT_TRUE(save_learned(scratch.path(), learned));
  EXPECT_EQ(load_learned(scratch.path()), learned);
  struct stat before {};
  struct stat after {};
  ASSERT_EQ(::stat(at("learned_servers.json").c_str(), &before), 0);
  EXPECT_EQ(before.st_mode & 0777, 0600U);
  ASSERT_TRUE(save_learned(scratch.path(), learned));
  ASSERT_EQ(::stat(at("learned_servers.json").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino) << "flash wears out";
}

TEST_F(LearnedFilesTest, ABrokenFileIsNothingLearned) {
  EXPECT_EQ(load_learned(scratch.path()), Learned{});
  for (const char* broken : {"", "{", "[]", R"({"servers": 7, "host_keys": [7]})"}) {
    put("learned_servers.json", broken);
    EXPECT_EQ(load_learned(scratch.path()), Learned{}) << broken;
  }
  put("learned_servers.json",
      R"({"servers": [{"address": "*", "user": "x"}, {"address": "b.example:22", "user": "r"}],
          "host_keys": [{"address": "b.example:22", "keys": ["* ssh-rsa A", "ssh-rsa A"]}]})");
  const Learned rest = load_learned(scratch.path());
  EXPECT_EQ(rest.servers.size(), 1U);
  EXPECT_EQ(rest.host_keys.at("b.example:22"), std::vector<std::string>{"ssh-rsa A"});
}

TEST_F(LearnedFilesTest, AnAdoptedKeyLeavesTheFormerOneBeside) {
  put("key", "old");
  put("key.next", "new");
  ASSERT_TRUE(adopt_next_key(at("key")));
  EXPECT_EQ(text("key"), "new");
  EXPECT_EQ(text("key.old"), "old");
  EXPECT_EQ(text("key.next"), "missing");
  struct stat info {};
  ASSERT_EQ(::stat(at("key.old").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(LearnedFilesTest, WithoutANextKeyNothingMoves) {
  put("key", "old");
  EXPECT_TRUE(adopt_next_key(at("key"))) << "two tunnels may adopt it, one after the other";
  EXPECT_EQ(text("key"), "old");
  EXPECT_EQ(text("key.old"), "missing");
  EXPECT_EQ(identity_files("/k"), (std::vector<std::string>{"/k.next", "/k", "/k.old"}));
}

TEST_F(LearnedFilesTest, AnOldKeyThatAnotherServerMayNeedIsInTheWayOfTheNext) {
  put("key.old", "old");
  const auto made = make_next_key({"/bin/false"}, at("key"), /*spares_old=*/true);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), Errc::exists);
}

TEST_F(LearnedFilesTest, AKeyThatCannotBeMadeIsAnErrorInOneLine) {
  const auto made = make_next_key({"/bin/false"}, at("key"));
  ASSERT_FALSE(made);
  EXPECT_EQ(make_next_key({"/no such worker"}, at("key")).error().code(), Errc::not_found);
}

}  // namespace
}  // namespace reversi::client

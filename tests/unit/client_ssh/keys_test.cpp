#include "client/ssh/keys.h"

#include <sys/stat.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "client/ssh/keygen.h"
#include "common/io/files.h"

namespace reversi {
namespace {

class KeysTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ssh_init();
    directory = ::testing::TempDir() + "keys_" + random_hex(8);
    std::filesystem::create_directory(directory);
    path = directory + "/id_ed25519";
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  std::string directory;
  std::string path;
};

TEST_F(KeysTest, ANewKeyIsReadableByItsOwnerAloneAndInOpenSshFormat) {
  const auto line = generate_ed25519(path, "cam-07");
  ASSERT_TRUE(line) << line.error().line();
  EXPECT_TRUE(line->starts_with("ssh-ed25519 AAAA")) << *line;
  EXPECT_TRUE(line->ends_with(" cam-07")) << *line;
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_TRUE(read_file(path, 4096)->starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
}

TEST_F(KeysTest, AnExistingFileIsNeverReplaced) {
  ASSERT_TRUE(write_file(path, "precious", 0600, Sync::none));
  const auto line = generate_ed25519(path);
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code(), Errc::exists);
  EXPECT_EQ(*read_file(path, 100), "precious");
}

TEST_F(KeysTest, TwoKeysDiffer) {
  EXPECT_NE(*generate_ed25519(path), *generate_ed25519(path + "2"));
}

TEST_F(KeysTest, AKeyThatOthersMayReadOrTheGroupMayChangeIsRefused) {
  ASSERT_TRUE(generate_ed25519(path));
  for (const mode_t mode : {0604U, 0644U, 0620U, 0601U}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    const auto key = load_private_key(path);
    ASSERT_FALSE(key) << std::oct << mode;
    EXPECT_EQ(key.error().code(), Errc::permission);
    EXPECT_NE(key.error().line().find("chmod 600 " + path), std::string::npos);
  }
  for (const mode_t mode : {0400U, 0600U, 0640U}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_TRUE(load_private_key(path)) << std::oct << mode;
  }
}

TEST_F(KeysTest, WhatIsNoKeyIsSaidToBeNone) {
  for (const std::string text : {"", "nothing", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"}) {
    ASSERT_TRUE(write_file(path, text, 0600, Sync::none));
    const auto key = load_private_key(path);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().line(), path + ": not a private key that can be used");
  }
}

TEST_F(KeysTest, AMissingKeyIsNamed) {
  const auto key = load_private_key(path);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code(), Errc::not_found);
  EXPECT_NE(key.error().line().find(path), std::string::npos);
}

}  // namespace
}  // namespace reversi

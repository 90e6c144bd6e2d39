#include "common/io/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

namespace reversi {
namespace {

namespace fs = std::filesystem;

class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "reversi-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir = pattern;
  }
  void TearDown() override { fs::remove_all(dir); }
  std::string path(const char* name) const { return (dir / name).string(); }
  std::size_t file_count() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(dir), {}));
  }

  fs::path dir;
};

TEST_F(FilesTest, WhatIsWrittenIsReadWithTheModeAsked) {
  ASSERT_TRUE(write_file(path("key"), "secret", 0600, Sync::disk));
  EXPECT_EQ(read_file(path("key"), 100).value(), "secret");
  struct stat info {};
  ::stat(path("key").c_str(), &info);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_EQ(file_count(), 1U) << "no temporary file is left";
}

TEST_F(FilesTest, AFileOverItsBoundIsRefused) {
  ASSERT_TRUE(write_file(path("big"), std::string(101, 'x'), 0600, Sync::none));
  EXPECT_FALSE(read_file(path("big"), 100));
}

TEST_F(FilesTest, LinksAndFifosAreNotRead) {
  ASSERT_TRUE(write_file(path("real"), "x", 0600, Sync::none));
  fs::create_symlink(path("real"), path("link"));
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_FALSE(read_file(path("link"), 100));
  EXPECT_FALSE(read_file(path("fifo"), 100)) << "and nobody waited for a writer";
  EXPECT_EQ(read_file(path("none"), 100).error().code(), Errc::not_found);
}

TEST_F(FilesTest, WritingReplacesALinkInsteadOfFollowingIt) {
  ASSERT_TRUE(write_file(path("victim"), "mine", 0600, Sync::none));
  fs::create_symlink(path("victim"), path("link"));
  ASSERT_TRUE(write_file(path("link"), "new", 0600, Sync::none));
  EXPECT_EQ(read_file(path("victim"), 100).value(), "mine");
  EXPECT_EQ(read_file(path("link"), 100).value(), "new");
}

TEST_F(FilesTest, AFailedWriteLeavesTheOldTextAndNoTemporaryFile) {
  fs::create_directory(path("occupied"));
  fs::create_directory(path("occupied/inner"));
  EXPECT_FALSE(write_file(path("occupied"), "x", 0600, Sync::none));
  EXPECT_EQ(file_count(), 1U);
}

TEST_F(FilesTest, AnUnchangedTextIsNotWrittenAgain) {
  EXPECT_TRUE(write_file_if_changed(path("a"), "x", 0600, Sync::none).value());
  EXPECT_FALSE(write_file_if_changed(path("a"), "x", 0600, Sync::none).value());
  EXPECT_TRUE(write_file_if_changed(path("a"), "y", 0600, Sync::none).value());
}

TEST_F(FilesTest, ALockIsHeldUntilItsDescriptorIsClosed) {
  auto first = lock_file(path("lock"), Millis{0});
  ASSERT_TRUE(first);
  const auto second = lock_file(path("lock"), Millis{30});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Errc::timeout);
  first->reset();
  EXPECT_TRUE(lock_file(path("lock"), Millis{0}));
}

TEST_F(FilesTest, DirectoriesAreMadeWithTheirParents) {
  ASSERT_TRUE(make_directories(path("a/b/c"), 0700));
  EXPECT_TRUE(make_directories(path("a/b/c"), 0700));
  EXPECT_TRUE(fs::is_directory(path("a/b/c")));
}

TEST(RandomHex, HasTheLengthAskedForAndDiffers) {
  EXPECT_EQ(random_hex(40).size(), 80U);
  EXPECT_NE(random_hex(16), random_hex(16));
}

}  // namespace
}  // namespace reversi

#include "server/io/authorized_keys_file.h"

#include "common/io/files.h"
#include "state_dir_fixture.h"

namespace reversi::server {
namespace {

namespace fs = std::filesystem;
using namespace testing;

class AuthorizedKeysFileTest : public ::testing::Test {
 protected:
  ~AuthorizedKeysFileTest() override { fs::remove_all(dir); }

  static Result<void> append(const std::string& path, const std::string& line) {
    return change_authorized_keys(path, Millis{1000}, [&](std::string_view text) {
      return Result<std::string>(std::string(text) + line);
    });
  }
  static std::string text_of(const std::string& path) { return read_file(path, 1000).value(); }

  std::string dir = StateDirTest::make_directory();
  std::string file = dir + "/authorized_keys";
};

TEST_F(AuthorizedKeysFileTest, AMissingFileAndItsDirectoryAreMadeAsSshdWantsThem) {
  file = dir + "/.ssh/authorized_keys";
  ASSERT_TRUE(append(file, "a\n"));
  EXPECT_EQ(text_of(file), "a\n");
  EXPECT_EQ(StateDirTest::mode_of(file) & 07777, 0600U);
  EXPECT_EQ(StateDirTest::mode_of(dir + "/.ssh") & 07777, 0700U);
}

TEST_F(AuthorizedKeysFileTest, ModeAndSymbolicLinkAreKept) {
  StateDirTest::put(dir + "/real", "a\n");
  ::chmod((dir + "/real").c_str(), 0640);
  fs::create_symlink("real", file);
  ASSERT_TRUE(append(file, "b\n"));
  EXPECT_TRUE(fs::is_symlink(file));
  EXPECT_EQ(text_of(dir + "/real"), "a\nb\n");
  EXPECT_EQ(StateDirTest::mode_of(dir + "/real") & 07777, 0640U);
}

TEST_F(AuthorizedKeysFileTest, NothingIsWrittenWhereNothingChanges) {
  StateDirTest::put(file, "a\n");
  const auto before = fs::last_write_time(file);
  struct stat first {};
  ::stat(file.c_str(), &first);
  ASSERT_TRUE(append(file, ""));
  struct stat second {};
  ::stat(file.c_str(), &second);
  EXPECT_EQ(first.st_ino, second.st_ino);
  EXPECT_EQ(fs::last_write_time(file), before);
}

TEST_F(AuthorizedKeysFileTest, ARefusedChangeLeavesTheFileAndNamesIt) {
  StateDirTest::put(file, "a\n");
  const auto changed = change_authorized_keys(file, Millis{1000}, [](std::string_view) {
    return Result<std::string>(fail(Errc::config, "no"));
  });
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().line(), file + ": no");
  EXPECT_EQ(text_of(file), "a\n");
}

TEST_F(AuthorizedKeysFileTest, AnotherUsersFileAndWhatIsNoFileAreRefused) {
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_FALSE(append(file, "a\n"));
  fs::remove(file);
  StateDirTest::put(file, "a\n");
  // Only root can give a file away; for everybody else a file of root's is at hand.
  if (::chown(file.c_str(), 65534, 65534) != 0) file = "/etc/passwd";
  const auto changed = append(file, "b\n");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code(), Errc::permission);
}

TEST_F(AuthorizedKeysFileTest, TheLockHasALimit) {
  StateDirTest::put(file, "a\n");
  const auto held = lock_directory(dir, Millis{100});
  ASSERT_TRUE(held);
  const auto changed = change_authorized_keys(
      file, Millis{50}, [](std::string_view) { return Result<std::string>("x"); });
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code(), Errc::timeout);
  EXPECT_EQ(text_of(file), "a\n");
}

}  // namespace
}  // namespace reversi::server

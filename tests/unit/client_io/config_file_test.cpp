#include "client/io/config_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "common/io/files.h"
#include "tests/support/scratch_dir.h"

namespace reversi::client {
namespace {

constexpr std::string_view kText = R"({"node": "cam-07", "servers": [{"host": "a.example"}],
  "identity_file": "key", "known_hosts_file": "hosts",
  "forwards": [{"name": "ssh", "target": "127.0.0.1:22"}]})";

class ConfigFile : public ::testing::Test {
 protected:
  void SetUp() override {
    put("client.json", kText);
    put("key", "secret");
    put("hosts", "a.example ssh-ed25519 AAAA");
  }
  void put(const std::string& name, std::string_view text, mode_t mode = 0600) {
    ASSERT_TRUE(write_file(at(name), text, mode, Sync::none));
  }
  [[nodiscard]] std::string at(const std::string& name) const { return dir.path() + "/" + name; }
  [[nodiscard]] std::string complaint() const {
    const auto loaded = load_config(at("client.json"));
    EXPECT_FALSE(loaded);
    if (loaded) return {};
    EXPECT_EQ(loaded.error().code(), Errc::config);
    const std::string line = loaded.error().line();
    EXPECT_TRUE(line.starts_with(at("client.json") + ": ")) << line;
    return line.substr(std::min(line.size(), at("client.json").size() + 2));
  }

  reversi::testing::ScratchDir dir;
};

TEST_F(ConfigFile, AGoodOneIsLoadedWithItsFiles) {
  const auto loaded = load_config(at("client.json"));
  ASSERT_TRUE(loaded) << loaded.error().line();
  EXPECT_EQ(loaded->config.identity_file, at("key"));
  EXPECT_FALSE(loaded->is_last_good);
}

TEST_F(ConfigFile, AMissingFileIsNamedWithItsKey) {
  ::unlink(at("key").c_str());
  EXPECT_EQ(complaint(), "identity_file: " + at("key") + ": No such file or directory");
}

TEST_F(ConfigFile, AKeyThatOthersMayReadIsRefusedWithItsCure) {
  ::chmod(at("key").c_str(), 0644);
  EXPECT_EQ(complaint(), "identity_file: " + at("key") +
                             ": others may read or change this private key; run chmod 600 " +
                             at("key"));
}

TEST_F(ConfigFile, AKeyThatItsGroupMayReadIsGoodAsItIsForTheWorker) {
  ::chmod(at("key").c_str(), 0640);
  EXPECT_TRUE(load_config(at("client.json")));
}

TEST_F(ConfigFile, ANodeThatWasUpStartsAlthoughAFileIsAtFault) {
  const auto good = load_config(at("client.json"));
  ASSERT_TRUE(good);
  ::chmod(at("key").c_str(), 0644);
  EXPECT_FALSE(load_config_or_last_good(at("client.json"))) << "it was never up";
  ASSERT_TRUE(keep_as_last_good(*good));
  EXPECT_FALSE(load_config(at("client.json"))) << "check and reload are strict";
  const auto loaded = load_config_or_last_good(at("client.json"));
  ASSERT_TRUE(loaded) << loaded.error().line();
  EXPECT_FALSE(loaded->is_last_good);
  EXPECT_TRUE(loaded->is_of_files);
  EXPECT_EQ(loaded->error, load_config(at("client.json")).error().line());
}

TEST_F(ConfigFile, TheLastGoodOneStandsInForOneThatNamesAMissingFile) {
  const auto good = load_config(at("client.json"));
  ASSERT_TRUE(good);
  ASSERT_TRUE(keep_as_last_good(*good));
  std::string text(kText);
  text.replace(text.find("\"key\""), 5, "\"lost\"");
  put("client.json", text);
  const auto loaded = load_config_or_last_good(at("client.json"));
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->is_last_good);
  EXPECT_NE(loaded->error.find("lost: No such file"), std::string::npos) << loaded->error;
}

TEST_F(ConfigFile, AKeyThatWeMayNotReadIsRefused) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ::chmod(at("key").c_str(), 0);
  EXPECT_EQ(complaint(), "identity_file: " + at("key") + ": Permission denied");
}

TEST_F(ConfigFile, AnEmptyOrOddFileIsRefused) {
  put("hosts", "");
  EXPECT_EQ(complaint(), "known_hosts_file: " + at("hosts") + ": the file is empty");
  ::unlink(at("hosts").c_str());
  ASSERT_EQ(::mkdir(at("hosts").c_str(), 0700), 0);
  EXPECT_EQ(complaint(), "known_hosts_file: " + at("hosts") + ": expected a regular file");
}

TEST_F(ConfigFile, ASyntaxErrorNamesFileLineAndColumn) {
  put("client.json", "{\n  \"node\" \"x\"}");
  EXPECT_TRUE(complaint().starts_with("line 2, column 12: "));
}

TEST_F(ConfigFile, TheLastGoodOneStandsInAndSaysWhy) {
  const auto good = load_config(at("client.json"));
  ASSERT_TRUE(good);
  ASSERT_TRUE(keep_as_last_good(*good));
  put("client.json", "{");
  const auto loaded = load_config_or_last_good(at("client.json"));
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->is_last_good);
  EXPECT_EQ(loaded->config, good->config);
  EXPECT_TRUE(loaded->error.starts_with(at("client.json") + ": line 1")) << loaded->error;
  const auto config = read_config(at("client.json"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->node, "cam-07");
}

TEST_F(ConfigFile, TheLastGoodOneIsFoundInTheStateDirectoryOfABrokenText) {
  ASSERT_EQ(::mkdir(at("state").c_str(), 0700), 0);
  std::string text(kText);
  text.insert(1, R"("state_dir": "state", )");
  put("client.json", text);
  const auto good = load_config(at("client.json"));
  ASSERT_TRUE(good);
  ASSERT_TRUE(keep_as_last_good(*good));
  put("client.json", text + "}");
  const auto loaded = load_config_or_last_good(at("client.json"));
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->is_last_good);
}

TEST_F(ConfigFile, WithoutALastGoodOneThePresentErrorStays) {
  put("client.json", "{");
  const auto loaded = load_config_or_last_good(at("client.json"));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Errc::config);
}

TEST_F(ConfigFile, ALinkIsFollowed) {
  ASSERT_EQ(::symlink("client.json", at("link.json").c_str()), 0);
  EXPECT_TRUE(load_config(at("link.json")));
}

}  // namespace
}  // namespace reversi::client

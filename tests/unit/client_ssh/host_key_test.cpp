#include "client/ssh/host_key.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "client/ssh/keygen.h"
#include "client/ssh/keys.h"
#include "common/io/files.h"

namespace reversi {
namespace {

class HostKeyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ssh_init();
    directory = ::testing::TempDir() + "host_key_" + random_hex(8);
    std::filesystem::create_directory(directory);
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  /// A new key and its line without the comment.
  std::pair<SshKey, std::string> new_key() {
    const std::string path = directory + "/key" + random_hex(4);
    const auto line = generate_ed25519(path, "");
    EXPECT_TRUE(line) << line.error().line();
    auto key = load_private_key(path);
    EXPECT_TRUE(key) << key.error().line();
    return {*std::move(key), line->substr(0, line->size() - 1)};
  }
  PinnedKeys pinned(const std::string& text, const Endpoint& server = {"tunnel.example.org", 22}) {
    EXPECT_TRUE(write_file(directory + "/known_hosts", text, 0600, Sync::none));
    auto keys = PinnedKeys::load({directory + "/known_hosts"}, server);
    EXPECT_TRUE(keys) << keys.error().line();
    return *std::move(keys);
  }

  std::string directory;
};

TEST_F(HostKeyTest, APinnedKeyIsAcceptedAndItsFingerprintReturned) {
  const auto [key, line] = new_key();
  const auto print = pinned("tunnel.example.org " + line + "\n").check(key.get());
  ASSERT_TRUE(print) << print.error().line();
  EXPECT_EQ(*print, fingerprint(key.get()));
  EXPECT_TRUE(print->starts_with("SHA256:"));
}

TEST_F(HostKeyTest, ALineForAnotherHostOrPortPinsNothing) {
  const auto [key, line] = new_key();
  const auto keys =
      pinned("other.example.org " + line + "\n[tunnel.example.org]:2222 " + line + "\n");
  const auto print = keys.check(key.get());
  ASSERT_FALSE(print);
  EXPECT_NE(print.error().line().find("is unknown"), std::string::npos) << print.error().line();
}

TEST_F(HostKeyTest, AnotherPortNeedsItsOwnLine) {
  const auto [key, line] = new_key();
  const Endpoint server{"tunnel.example.org", 2222};
  EXPECT_FALSE(pinned("tunnel.example.org " + line + "\n", server).check(key.get()));
  EXPECT_TRUE(pinned("[tunnel.example.org]:2222 " + line + "\n", server).check(key.get()));
}

TEST_F(HostKeyTest, HostNamesAreComparedWithoutCase) {
  const auto [key, line] = new_key();
  EXPECT_TRUE(pinned("tunnel.example.org " + line, {"Tunnel.Example.ORG", 22}).check(key.get()));
}

TEST_F(HostKeyTest, AnotherKeyForTheHostMeansChangedAndNamesTheLine) {
  const auto [shown, unused] = new_key();
  const auto [old, old_line] = new_key();
  const auto print = pinned("# one\n\ntunnel.example.org " + old_line + "\n").check(shown.get());
  ASSERT_FALSE(print);
  const std::string text = print.error().line();
  EXPECT_NE(text.find("changed"), std::string::npos) << text;
  EXPECT_NE(text.find("known_hosts line 3"), std::string::npos) << text;
  EXPECT_NE(text.find(fingerprint(old.get())), std::string::npos) << text;
  EXPECT_NE(text.find(fingerprint(shown.get())), std::string::npos) << text;
}

TEST_F(HostKeyTest, OneOfSeveralPinnedKeysIsEnough) {
  const auto [shown, line] = new_key();
  const auto [other, other_line] = new_key();
  const auto keys =
      pinned("tunnel.example.org " + other_line + "\ntunnel.example.org " + line + "\n");
  EXPECT_TRUE(keys.check(shown.get()));
}

TEST_F(HostKeyTest, ARevokedKeyIsRefusedThoughItIsPinnedToo) {
  const auto [key, line] = new_key();
  const auto keys = pinned("tunnel.example.org " + line + "\n@revoked * " + line + "\n");
  EXPECT_FALSE(keys.check(key.get()));
}

TEST_F(HostKeyTest, LinesThatCannotBeReadPinNothingAndHarmNothing) {
  const auto [key, line] = new_key();
  const auto keys = pinned(
      "tunnel.example.org\ntunnel.example.org ssh-ed25519\ntunnel.example.org ssh-ed25519 !!!\n"
      "tunnel.example.org ssh-new AAAA\n@cert-authority * " +
      line + "\n|1|x|y " + line + "\n" + std::string(300, '|') + "\n\t \n tunnel.example.org\t " +
      line + "  comment");
  EXPECT_TRUE(keys.check(key.get()));
}

TEST_F(HostKeyTest, AlgorithmsOfPinnedKeysComeFirst) {
  const auto [key, line] = new_key();
  EXPECT_TRUE(pinned("tunnel.example.org " + line).algorithms().starts_with("ssh-ed25519,"));
  const std::string none = pinned("# empty").algorithms();
  EXPECT_NE(none.find("rsa-sha2-512"), std::string::npos) << none;
}

TEST_F(HostKeyTest, TheFirstFileMustExistTheLearnedOneNeedNot) {
  const std::string absent = directory + "/absent";
  const auto missing = PinnedKeys::load({absent}, {"tunnel.example.org", 22});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().line().find(absent), std::string::npos);
  const auto [key, line] = new_key();
  pinned("tunnel.example.org " + line);
  EXPECT_TRUE(PinnedKeys::load({directory + "/known_hosts", absent}, {"tunnel.example.org", 22}));
}

}  // namespace
}  // namespace reversi

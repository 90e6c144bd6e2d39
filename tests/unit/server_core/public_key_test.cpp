#include "server/core/public_key.h"

#include <gtest/gtest.h>

#include "server_builders.h"

namespace reversi::server {
namespace {

using testing::kKeyA;

TEST(PublicKey, KeepsTypeBlobAndComment) {
  const auto key = parse_public_key("\n" + kKeyA + "  ana at home \r\n\n");
  ASSERT_TRUE(key) << key.error().line();
  EXPECT_EQ(key->type, "ssh-ed25519");
  EXPECT_EQ(key->comment, "ana at home");
  EXPECT_EQ(format_public_key(*key), kKeyA + " ana at home");
}

TEST(PublicKey, ACommentDoesNotMakeAnotherKey) {
  EXPECT_TRUE(is_same_key(*parse_public_key(kKeyA + " a"), *parse_public_key(kKeyA)));
  EXPECT_FALSE(is_same_key(*parse_public_key(kKeyA), *parse_public_key(testing::kKeyB)));
}

struct BadKey {
  const char* name;
  std::string text;
  const char* says;
};

TEST(PublicKey, EveryMistakeIsNamed) {
  const BadKey rows[] = {
      {"empty", " \n", "no key here"},
      {"private", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n", "private key"},
      {"two keys", kKeyA + "\n" + testing::kKeyB + "\n", "several lines"},
      {"hidden second line", kKeyA + " c\rssh-ed25519 AAAA", "several lines"},
      {"options in front", "command=\"x\" " + kKeyA, "without options"},
      {"dsa", "ssh-dss AAAAB3NzaC1kc3MAAACBAP==", "no key type"},
      {"certificate", "ssh-ed25519-cert-v01@openssh.com AAAA", "no key type"},
      {"type only", "ssh-ed25519", "damaged"},
      {"cut short", kKeyA.substr(0, kKeyA.size() - 4), "damaged"},
      {"longer than it says", kKeyA + "AAAA", "damaged"},
      {"not base64", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI!!!", "damaged"},
      {"type and blob differ", "ssh-rsa" + kKeyA.substr(kKeyA.find(' ')), "damaged"},
  };
  for (const BadKey& row : rows) {
    const auto key = parse_public_key(row.text);
    ASSERT_FALSE(key) << row.name;
    EXPECT_NE(key.error().line().find(row.says), std::string::npos)
        << row.name << ": " << key.error().line();
  }
}

}  // namespace
}  // namespace reversi::server

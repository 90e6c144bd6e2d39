#include "server/core/key_rotation.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "server/core/authorized_keys.h"
#include "server_builders.h"

namespace reversi::server {
namespace {

using namespace testing;

TEST(KeyRotation, OnlyTheLineOfTheNextKeyNamesItself) {
  const NodeRecord record = admit_next_key(cam_07(), public_key(kKeyB)).value();
  const auto lines =
      authorized_lines(record, {"/usr/bin/reversi-server", "/var/lib/reversi"}).value();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0],
            authorized_lines(cam_07(), {"/usr/bin/reversi-server", "/var/lib/reversi"}).value()[0]);
  EXPECT_NE(lines[1].find(" --key " + public_key(kKeyB).blob + " --state-dir "), std::string::npos);
  // The node's lines are found again, with the option and without.
  const auto text = replace_lines("", record.node, "/var/lib/reversi", lines).value();
  EXPECT_TRUE(has_lines(text, record.node, "/var/lib/reversi"));
  EXPECT_FALSE(has_lines(text, node_name("cam-0"), "/var/lib/reversi"));
  EXPECT_EQ(replace_lines(text, record.node, "/var/lib/reversi", {}).value(), "");
}

TEST(KeyRotation, FromBothKeysToTheNewOne) {
  const NodeRecord both = admit_next_key(cam_07(), public_key(kKeyB)).value();
  EXPECT_EQ(both.keys.size(), 2U);
  EXPECT_EQ(node_from_json(both.node, node_to_json(both)).value(), both);
  EXPECT_TRUE(ends_rotation(both, public_key(kKeyB).blob));
  EXPECT_FALSE(ends_rotation(both, public_key(kKeyA).blob));
  EXPECT_FALSE(ends_rotation(cam_07(), public_key(kKeyA).blob));
  const NodeRecord settling = begin_settling(both);
  EXPECT_EQ(settling.keys, std::vector<PublicKey>{public_key(kKeyB)});
  EXPECT_TRUE(ends_rotation(settling, public_key(kKeyB).blob)) << "it can be done again";
}

TEST(KeyRotation, OneThatWasInterruptedGoesOnOrBeginsAnew) {
  const NodeRecord both = admit_next_key(cam_07(), public_key(kKeyB)).value();
  EXPECT_EQ(admit_next_key(both, public_key(kKeyB)).value(), both);
  const std::string third =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
  const NodeRecord anew = admit_next_key(both, public_key(third)).value();
  ASSERT_EQ(anew.keys.size(), 2U) << "the one that was never used is gone";
  EXPECT_EQ(anew.keys[0], cam_07().keys[0]);
}

TEST(KeyRotation, AnOfferIsAnEd25519KeyThatTheNodeDoesNotHaveYet) {
  EXPECT_EQ(admit_next_key(cam_07(), public_key(kKeyA)).error().code(), Errc::exists);
  for (const char* bad : {"", "x", "ssh-ed25519 AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----"}) {
    EXPECT_EQ(parse_offered_key(bad).error().code(), Errc::refused) << bad;
  }
  EXPECT_FALSE(parse_offered_key(kKeyA + "\n" + kKeyB));
  EXPECT_FALSE(parse_offered_key("command=\"x\" " + kKeyA));
}

TEST(KeyRotation, TheOnlyKeyStaysEvenIfItsRotationHasNotEnded) {
  NodeRecord record = cam_07();
  record.keys = {public_key(kKeyB)};
  record.next_key = public_key(kKeyB);
  const auto after = admit_next_key(record, cam_07().keys.front());
  ASSERT_TRUE(after) << after.error().line();
  EXPECT_EQ(after->keys.size(), 2U);
  EXPECT_TRUE(is_same_key(after->keys.front(), public_key(kKeyB)));
}

}  // namespace
}  // namespace reversi::server

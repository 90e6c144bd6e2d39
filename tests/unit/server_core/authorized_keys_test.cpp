#include "server/core/authorized_keys.h"

#include <gtest/gtest.h>

#include "server_builders.h"

namespace reversi::server {
namespace {

using namespace testing;

const std::string kState = kCommand.state_dir;
const std::string kBegin = "# BEGIN reversi (written by reversi-server; edits are lost)\n";
const std::string kEnd = "# END reversi\n";

std::string line_of(const NodeRecord& record) {
  return authorized_lines(record, kCommand).value().front();
}
std::string named_line(const char* name) {
  NodeRecord record = cam_07();
  record.node = node_name(name);
  return line_of(record);
}

TEST(AuthorizedLine, IsTheContractOfTheDesign) {
  NodeRecord record = cam_07();
  record.forwards.push_back({forward_name("web"), 20080, std::nullopt});
  EXPECT_EQ(
      line_of(record),
      "restrict,port-forwarding,permitlisten=\"localhost:20001\",permitopen=\"localhost:20001\","
      "permitlisten=\"localhost:20080\",permitopen=\"localhost:20080\","
      "command=\"exec /usr/bin/reversi-server agent --node cam-07 --grant ssh=20001 "
      "--grant web=20080 --state-dir /var/lib/reversi\" " +
          kKeyA + " cam");
}

TEST(AuthorizedLine, ADisabledNodeMayOnlyAsk) {
  NodeRecord record = cam_07();
  record.enabled = false;
  EXPECT_TRUE(line_of(record).starts_with("restrict,command=\"exec ")) << line_of(record);
}

TEST(AuthorizedLine, ANodeWithoutForwardsMayNotForwardAtAll) {
  NodeRecord record = cam_07();
  record.forwards.clear();
  EXPECT_TRUE(line_of(record).starts_with("restrict,command=\"exec ")) << line_of(record);
}

TEST(AuthorizedLine, RangesStandInFront) {
  NodeRecord record = cam_07();
  record.from = {"10.0.0.0/8", "::1"};
  EXPECT_TRUE(line_of(record).starts_with("from=\"10.0.0.0/8,::1\",restrict,port-forwarding,"));
}

TEST(AuthorizedLine, OneLineAKey) {
  NodeRecord record = cam_07();
  record.keys.push_back(public_key(kKeyB));
  EXPECT_EQ(authorized_lines(record, kCommand)->size(), 2U);
}

TEST(AuthorizedLine, AnOddPathIsQuotedAndADangerousOneRefused) {
  const auto odd = authorized_lines(cam_07(), {"/opt/my tools/reversi-server", "/srv/jörg;x"});
  ASSERT_TRUE(odd);
  EXPECT_NE(odd->front().find("exec '/opt/my tools/reversi-server' agent"), std::string::npos);
  EXPECT_NE(odd->front().find("--state-dir '/srv/jörg;x'\""), std::string::npos);
  for (const char* bad : {"relative/x", "/a\"b", "/a'b", "/a\\b", "/a$b", "/a`b", "/a!b", "/a\nb",
                          "/a\tb", "/a\x7f"}) {
    EXPECT_FALSE(authorized_lines(cam_07(), {bad, kState})) << bad;
    EXPECT_FALSE(authorized_lines(cam_07(), {kCommand.executable, bad})) << bad;
  }
}

/// What people keep in such a file; none of it may change.
const char* const kForeign[] = {
    "",
    "ssh-rsa AAAA ana\n",
    "# BEGIN something else\nssh-rsa AAAA\n# END something else\n",
    "# BEGIN reversible\n# END reversible\n",
    "ssh-rsa AAAA without a final newline",
    "ssh-rsa AAAA\r\n\r\n   # odd\r\n",
    "\n\n\n",
    "\xff\xfe no text\n",
    "command=\"exec /x agent --node cam-07 --state-dir /var/lib/reversi\" ssh-rsa AAAA\n",
};

TEST(ReplaceLines, ForeignLinesStayByteForByte) {
  for (const std::string foreign : kForeign) {
    const auto with = replace_lines(foreign, node_name("cam-07"), kState, {line_of(cam_07())});
    ASSERT_TRUE(with) << foreign;
    const std::string newline = foreign.empty() || foreign.ends_with('\n') ? "" : "\n";
    EXPECT_EQ(*with, foreign + newline + kBegin + line_of(cam_07()) + "\n" + kEnd);
    const auto without = replace_lines(*with, node_name("cam-07"), kState, {});
    ASSERT_TRUE(without);
    EXPECT_EQ(*without, foreign + newline);
  }
}

TEST(ReplaceLines, WhatStandsBelowTheBlockStaysBelow) {
  const std::string text = "above\n" + kBegin + named_line("a") + "\n" + kEnd + "below\n";
  const auto changed = replace_lines(text, node_name("b"), kState, {named_line("b")});
  EXPECT_EQ(*changed, "above\n" + kBegin + named_line("a") + "\n" + named_line("b") + "\n" + kEnd +
                          "below\n");
}

TEST(ReplaceLines, ANodeIsReplacedWhereItStands) {
  const std::string text =
      kBegin + named_line("a") + "\n" + named_line("b") + "\n" + named_line("c") + "\n" + kEnd;
  EXPECT_EQ(*replace_lines(text, node_name("b"), kState, {"one", "two"}),
            kBegin + named_line("a") + "\none\ntwo\n" + named_line("c") + "\n" + kEnd);
  EXPECT_EQ(*replace_lines(text, node_name("b"), kState, {}),
            kBegin + named_line("a") + "\n" + named_line("c") + "\n" + kEnd);
  EXPECT_EQ(*replace_lines(text, node_name("b"), kState, {named_line("b")}), text);
}

TEST(ReplaceLines, ANodeIsNotTakenForOneWhoseNameItBegins) {
  const std::string text = kBegin + named_line("cam-07") + "\n" + kEnd;
  EXPECT_EQ(*replace_lines(text, node_name("cam-0"), kState, {}), text);
  EXPECT_EQ(*replace_lines(text, node_name("cam-07"), "/var/lib", {}), text);
}

TEST(ReplaceLines, AnotherStateDirectorysNodeOfTheSameNameStays) {
  const std::string other =
      authorized_lines(cam_07(), {kCommand.executable, "/srv/my reversi"}).value().front();
  const std::string text = kBegin + other + "\n" + kEnd;
  EXPECT_EQ(*replace_lines(text, cam_07().node, kState, {}), text);
  EXPECT_EQ(*replace_lines(text, cam_07().node, "/srv/my reversi", {}), "");
}

TEST(ReplaceLines, AKeysCommentCannotNameAnotherNode) {
  NodeRecord record = cam_07();
  record.keys = {public_key(kKeyA + " agent --node b --state-dir /var/lib/reversi")};
  const std::string text = kBegin + line_of(record) + "\n" + kEnd;
  EXPECT_EQ(*replace_lines(text, node_name("b"), kState, {}), text);
  EXPECT_EQ(*replace_lines(text, record.node, kState, {}), "");
}

TEST(ReplaceLines, ADamagedBlockIsLeftAlone) {
  for (const std::string& text : {kBegin, kEnd, kEnd + kBegin, kBegin + kBegin + kEnd,
                                  kBegin + kEnd + kEnd, kBegin + kEnd + kBegin + kEnd}) {
    EXPECT_FALSE(replace_lines(text, node_name("a"), kState, {"x"})) << text;
  }
}

TEST(ForeignKey, AKeyOutsideTheBlockIsFound) {
  const std::string text = "# c\nno-pty " + kKeyA + " x\n" + kBegin + kKeyB + "\n" + kEnd;
  EXPECT_TRUE(is_key_outside_block(text, public_key(kKeyA)));
  EXPECT_FALSE(is_key_outside_block(text, public_key(kKeyB)));
  EXPECT_FALSE(is_key_outside_block("# " + kKeyA + "\n", public_key(kKeyA)));
}

TEST(ReadKeyLines, TellsWhoseEachLineIs) {
  const std::string ours =
      authorized_lines(testing::cam_07(), {"/usr/bin/reversi-server", "/var/a b"})->at(0);
  const std::string text =
      "# a comment\n\nssh-ed25519 AAAA me agent --node x --state-dir /var/a b\n# BEGIN reversi\n" +
      ours + "\r\nrestrict ssh-ed25519 BBBB\n# END reversi\n";
  const auto lines = read_key_lines(text, "/var/a b");
  ASSERT_TRUE(lines) << lines.error().line();
  ASSERT_EQ(lines->size(), 3U);
  EXPECT_FALSE(lines->at(0).is_inside);
  EXPECT_EQ(lines->at(0).node, "");
  EXPECT_EQ(lines->at(1).node, "cam-07");
  EXPECT_EQ(lines->at(1).number, 5);
  EXPECT_EQ(lines->at(1).text, ours);
  EXPECT_TRUE(lines->at(2).is_inside);
  EXPECT_EQ(lines->at(2).node, "");
  EXPECT_EQ(read_key_lines(text, "/var/other")->at(1).node, "");
  EXPECT_FALSE(read_key_lines("# BEGIN reversi\n", "/var/a"));
}

}  // namespace
}  // namespace reversi::server

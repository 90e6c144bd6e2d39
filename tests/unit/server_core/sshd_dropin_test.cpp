#include "server/core/sshd_dropin.h"

#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace reversi::server {
namespace {

const std::string kDirectory = "/etc/ssh/sshd_config.d";

TEST(SshdDropIn, KeepsItsForm) {
  const DropIn dropin{"reversi", "/usr/bin/reversi-server", "/var/lib/reversi", true, "200:30:400"};
  reversi::testing::expect_golden("sshd_dropin.conf", dropin_text(dropin).value());
  DropIn old = dropin;
  old.has_connection = false;
  old.max_startups.clear();
  const std::string text = dropin_text(old).value();
  EXPECT_EQ(text.find("%C"), std::string::npos);
  EXPECT_EQ(text.find("MaxStartups"), std::string::npos);
}

TEST(SshdDropIn, APathThatSshdWouldReadDifferentlyIsRefused) {
  for (const char* path : {"", "reversi", "/a b", "/a\"b", "/a%h", "/a\nMatch all", "/a#b"}) {
    EXPECT_FALSE(dropin_text({"reversi", path, "/var/lib/reversi"})) << path;
    EXPECT_FALSE(dropin_text({"reversi", "/usr/bin/reversi-server", path})) << path;
  }
}

TEST(SshdDropIn, MaxStartupsIsOnlyEverRaised) {
  EXPECT_EQ(raised_max_startups("10:30:100"), "200:30:400");
  EXPECT_EQ(raised_max_startups("100:30:1000"), "200:30:1000");
  EXPECT_EQ(raised_max_startups("300:50:300"), "300:50:400");
  EXPECT_EQ(raised_max_startups("10:100:10"), "200:100:400");
  EXPECT_EQ(raised_max_startups("200:30:400"), "200:30:400");
  EXPECT_EQ(raised_max_startups("1000:60:2000"), "1000:60:2000");
  for (const char* text : {"", "10", "10:30", "10:30:", "10:30:100:", "a:30:100", "10;30;100"}) {
    EXPECT_EQ(raised_max_startups(text), "") << text;
  }
  const std::string raised =
      dropin_text({"reversi", "/usr/bin/reversi-server", "/var/lib/reversi", true, "300:50:400"})
          .value();
  EXPECT_NE(raised.find("# 300 logins"), std::string::npos);
  EXPECT_NE(raised.find("\nMaxStartups 300:50:400\n"), std::string::npos);
  EXPECT_EQ(effective_value("port 22\nmaxstartups 10:30:100\npidfile /run/sshd.pid\n", "pidfile"),
            "/run/sshd.pid");
  EXPECT_EQ(effective_value("port 22\n", "pidfile"), "");
}

TEST(SshdDropIn, TheMainFileMustIncludeTheDirectoryBeforeAnyMatch) {
  EXPECT_TRUE(includes_directory("# x\nInclude /etc/ssh/sshd_config.d/*.conf\n", kDirectory));
  EXPECT_TRUE(includes_directory("\tinclude a \"sshd_config.d/*.conf\"", kDirectory));
  EXPECT_FALSE(includes_directory("", kDirectory));
  EXPECT_FALSE(includes_directory("#Include /etc/ssh/sshd_config.d/*.conf\n", kDirectory));
  EXPECT_FALSE(includes_directory("Include /etc/ssh/sshd_config.d/x.conf\n", kDirectory));
  EXPECT_FALSE(
      includes_directory("Match User a\nInclude /etc/ssh/sshd_config.d/*.conf\n", kDirectory));
}

TEST(SshdDropIn, ACopyIncludesTheCopiedFilesAndElseIsTheSame) {
  EXPECT_EQ(redirect_includes("Include /etc/ssh/sshd_config.d/*.conf /etc/other.conf\nPort 22\n"
                              "  include sshd_config.d/*.conf\nMatch all\n  X yes",
                              kDirectory, "/tmp/d"),
            "Include /tmp/d/*.conf /etc/other.conf\nPort 22\nInclude /tmp/d/*.conf\nMatch all\n"
            "  X yes\n");
}

}  // namespace
}  // namespace reversi::server

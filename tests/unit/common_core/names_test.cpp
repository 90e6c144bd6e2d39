#include "common/core/names.h"

#include <gtest/gtest.h>

namespace reversi {
namespace {

TEST(NodeName, TakesOneLabelOfLowerCaseLettersDigitsAndInnerHyphens) {
  for (const std::string& good :
       {std::string("a"), std::string("7"), std::string("cam-07"), std::string(63, 'x')}) {
    EXPECT_TRUE(NodeName::parse(good)) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("-a"), std::string("a-"), std::string("A"), std::string("a.b"),
        std::string(".."), std::string("a/b"), std::string("a b"), std::string(64, 'x'),
        std::string("a\0b", 3), std::string("ü")}) {
    EXPECT_FALSE(NodeName::parse(bad)) << bad;
  }
}

TEST(ForwardName, StartsWithALetter) {
  EXPECT_TRUE(ForwardName::parse("ssh"));
  EXPECT_TRUE(ForwardName::parse("a" + std::string(30, '-')));
  for (const char* bad : {"", "7a", "-a", "A", "a_b", "a:b", "a=b"}) {
    EXPECT_FALSE(ForwardName::parse(bad)) << bad;
  }
  EXPECT_FALSE(ForwardName::parse(std::string(32, 'a')));
}

TEST(ParsePort, TakesOneSpellingOfEachNumber) {
  EXPECT_EQ(parse_port("1").value(), 1);
  EXPECT_EQ(parse_port("65535").value(), 65535);
  for (const char* bad : {"", "0", "65536", "022", "+22", "-1", " 22", "22 ", "0x16", "22a"}) {
    EXPECT_FALSE(parse_port(bad)) << bad;
  }
}

TEST(ParseTarget, ReadsTheThreeKinds) {
  EXPECT_EQ(parse_target("127.0.0.1:22").value(), Target(Endpoint{"127.0.0.1", 22}));
  EXPECT_EQ(parse_target("[fe80::1%eth0]:80").value(), Target(Endpoint{"fe80::1%eth0", 80}));
  EXPECT_EQ(parse_target("unix:/run/mail.sock").value(), Target(UnixPath{"/run/mail.sock"}));
}

TEST(ParseTarget, IsWrittenBackAsItWasRead) {
  for (const char* text : {"cam.lan:80", "[::1]:22", "unix:/a b/ü"}) {
    EXPECT_EQ(format_target(parse_target(text).value()), text);
  }
}

TEST(ParseTarget, RefusesWhatIsAmbiguousOrDangerous) {
  for (const std::string& bad :
       {std::string("22"), std::string("host"), std::string("host:"), std::string(":22"),
        std::string("::1:22"), std::string("[]:22"), std::string("[::1]"), std::string("-oX:22"),
        std::string("a b:22"), std::string("unix:"), std::string("unix:rel"),
        "unix:/" + std::string(107, 'x'), std::string("unix:/a\0b", 9)}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
}

}  // namespace
}  // namespace reversi

#include "common/core/error.h"

#include <gtest/gtest.h>

namespace reversi {
namespace {

TEST(Error, NamesTheOutermostStepFirst) {
  const Error error =
      Error{Errc::refused, "refused"}.in("listen on server port 2201").in("node rpi7");
  EXPECT_EQ(error.line(), "node rpi7: listen on server port 2201: refused");
}

TEST(Error, IsOneLineWhateverAPeerPutIntoIt) {
  const Error error{Errc::protocol, std::string("a\nb\x1b[31m\xff\0c", 11)};
  EXPECT_EQ(error.line(), "a?b?[31m??c");
}

TEST(Printable, KeepsWholeCharactersAndReplacesWhatIsNoUtf8) {
  EXPECT_EQ(printable("grün 日本"), "grün 日本");
  EXPECT_EQ(printable("\xC0\xAF"), "??");            // overlong "/"
  EXPECT_EQ(printable("\xED\xA0\x80"), "???");       // a surrogate
  EXPECT_EQ(printable("\xF4\x90\x80\x80"), "????");  // beyond U+10FFFF
  EXPECT_EQ(printable("\xC2\x9B"), "?");             // C1 control: CSI to some terminals
  EXPECT_EQ(printable("a\u202Eb\u200Bc\u2066\uFEFF…"), "a?b?c??…");
}

TEST(Printable, NeverExceedsItsLimitNotEvenByTheEllipsis) {
  EXPECT_EQ(printable("日本", 6), "日本");
  EXPECT_EQ(printable("日本語", 6), "日…");
  EXPECT_EQ(printable("日本", 4), "…");
  EXPECT_EQ(printable("abcdef", 5), "ab…");
  EXPECT_EQ(printable("abc", 2), "");
}

}  // namespace
}  // namespace reversi

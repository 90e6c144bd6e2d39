#include "common/core/glob.h"

#include <string>

#include <gtest/gtest.h>

namespace reversi {
namespace {

TEST(Glob, MatchesTheWholeText) {
  for (const char* pattern : {"cam-07", "cam-*", "*", "**", "c?m-07", "*07", "*a*-*", "cam-07*"}) {
    EXPECT_TRUE(glob_match(pattern, "cam-07")) << pattern;
  }
  for (const char* pattern : {"", "cam", "cam-0", "cam-07?", "am-07", "*8", "c??m-07", "CAM-07"}) {
    EXPECT_FALSE(glob_match(pattern, "cam-07")) << pattern;
  }
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_TRUE(glob_match("*ab*ab", "aabaab"));
  EXPECT_FALSE(glob_match("?", ""));
}

TEST(Glob, ManyStarsTakeNoMoreThanPatternTimesText) {
  std::string pattern;
  for (int i = 0; i < 2000; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + 'b', std::string(4000, 'a')));
}

}  // namespace
}  // namespace reversi

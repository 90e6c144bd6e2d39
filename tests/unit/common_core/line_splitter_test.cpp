#include "common/core/line_splitter.h"

#include <vector>

#include <gtest/gtest.h>

namespace reversi {
namespace {

std::vector<std::string> all_lines(LineSplitter& splitter) {
  std::vector<std::string> lines;
  while (const auto line = splitter.next()) lines.emplace_back(*line);
  return lines;
}

TEST(LineSplitter, GivesTheSameLinesHoweverTheBytesAreCut) {
  const std::string text = "one\ntwo\r\n\nthree\nrest";
  const std::vector<std::string> expected{"one", "two", "", "three"};
  for (std::size_t step = 1; step <= text.size(); ++step) {
    LineSplitter splitter(16);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size(); at += step) {
      splitter.feed(std::string_view(text).substr(at, step));
      for (auto& line : all_lines(splitter)) lines.push_back(std::move(line));
    }
    EXPECT_EQ(lines, expected) << "cut every " << step;
    EXPECT_FALSE(splitter.is_overlong());
  }
}

TEST(LineSplitter, ALineOfTheLimitPassesAndOneMoreByteDoesNot) {
  LineSplitter splitter(4);
  splitter.feed("abcd\n");
  EXPECT_EQ(all_lines(splitter), std::vector<std::string>{"abcd"});
  splitter.feed("abcde\nok\n");
  EXPECT_TRUE(all_lines(splitter).empty());
  EXPECT_TRUE(splitter.is_overlong());
  splitter.feed("ok\n");
  EXPECT_TRUE(all_lines(splitter).empty()) << "nothing comes after an overlong line";
}

TEST(LineSplitter, AnUnfinishedLineOverTheLimitIsFoundBeforeItsEnd) {
  LineSplitter splitter(4);
  splitter.feed("abcde");
  EXPECT_FALSE(splitter.next());
  EXPECT_TRUE(splitter.is_overlong());
}

}  // namespace
}  // namespace reversi

#include <gtest/gtest.h>

#include "common/cli/describe.h"
#include "common/manual/markdown.h"
#include "common/manual/mdoc.h"
#include "common/manual/sections.h"
#include "common/manual/template.h"

namespace reversi::manual {
namespace {

TEST(Mdoc, NothingBecomesAMacroOrAnEscape) {
  EXPECT_EQ(prose(".Sh a\\b"), "\\&.Sh a\\eb");
  EXPECT_EQ(prose("a\n'b"), "a\n\\&'b");
  EXPECT_EQ(prose("3 × 4 …"), "3 \\[u00D7] 4 \\[u2026]");
  EXPECT_EQ(typed("--all"), "\\-\\-all");
  EXPECT_EQ(argument("a \"b\""), "\"a \\(dqb\\(dq\"");
}

TEST(Template, EveryLineHasAPartAndEveryPartALine) {
  EXPECT_EQ(*fill("a\n@x@\nb\n", {{"x", "1\n2\n"}}), "a\n1\n2\nb\n");
  EXPECT_FALSE(fill("@y@\n", {}));
  EXPECT_FALSE(fill("a\n", {{"x", ""}}));
}

TEST(Template, LongLinesAreBrokenWhereTheyStayText) {
  const std::string word(30, 'x');
  const std::string three = word + ' ' + word + ' ' + word + '\n';
  EXPECT_EQ(wrap(three), word + ' ' + word + '\n' + word + '\n');
  EXPECT_EQ(wrap(three + "end"), word + ' ' + word + '\n' + word + "\nend\n");
  const std::string macro = word + " .Sh" + word + '\n';
  EXPECT_EQ(wrap(word + ' ' + macro), word + '\n' + macro);
  EXPECT_EQ(wrap(word + word + word + '\n'), word + word + word + '\n') << "no space";
  for (const std::string& kept : {".It " + three, ".Bd -literal\n" + three + ".Ed\n"}) {
    EXPECT_EQ(wrap(kept), kept);
  }
}

TEST(ConfigKeys, WhatTheParserAndThePageDoNotShareIsNamed) {
  const ConfigKey keys[] = {{.path = "a", .type = "text"}, {.path = "b", .type = "text"}};
  EXPECT_TRUE(differences(keys, {"b", "a"}).empty());
  EXPECT_EQ(differences(keys, {"a", "c"}),
            (std::vector<std::string>{"b: the parser knows no such key",
                                      "c: parsed, and not on the manual page"}));
}

TEST(ExitCodes, OfTheWorkerOnlyWhereAsked) {
  EXPECT_EQ(exit_codes(false).find(".It 10"), std::string::npos);
  for (const char* code : {".It 0\n", ".It 1\n", ".It 2\n", ".It 3\n", ".It 10\n", ".It 11\n"}) {
    EXPECT_NE(exit_codes(true).find(code), std::string::npos) << code;
  }
}

TEST(Describe, WordsBetweenBarsAreWhatCanBeGiven) {
  EXPECT_EQ(words_of("linux|openwrt"), (std::vector<std::string>{"linux", "openwrt"}));
  EXPECT_EQ(words_of("FILE|-").size(), 1U);
  EXPECT_TRUE(words_of("NAME[=PORT][:EXPECT]").empty());
}

TEST(Markdown, HeadingsListsAndTables) {
  EXPECT_EQ(
      mdoc_of_markdown(
          "# Title\n\nA `b-c` **d** *e*. Two\n\n## Some words\n\n- one\n  more\n- two\n\n"
          "| field | | meaning |\n|---|---|---|\n| `x` | required | is `y` |\n\nend\n"),
      "A \\fBb\\-c\\fR \\fBd\\fR \\fIe\\fR\\&.\nTwo\n.Sh \"SOME WORDS\"\n.Bl -bullet\n.It\none\nmore\n.It\ntwo\n.El\n"
      ".Bl -tag -width Ds\n.It x\n(required)\nis \\fBy\\fR\n.El\n.Pp\nend\n");
}

}  // namespace
}  // namespace reversi::manual

#include "common/cli/help.h"

#include <memory>

#include <gtest/gtest.h>

#include "common/cli/describe.h"

namespace reversi {
namespace {

Run add_every_kind(Options& add) {
  struct Values {
    std::string text;
    std::vector<std::string> list;
    bool flag = false;
  };
  auto values = std::make_shared<Values>();
  add.text("--out", values->text, "Where it goes.");
  add.text("NODE", values->text, "The node.", "", Need::required);
  add.text("LOGIN", values->text, "The account.", "USER@HOST");
  add.words("ARGS", values->list, "All others.");
  add.list("--a-name-that-needs-more", values->list, "Several.", "ROOM", Need::required);
  add.flag("--on", values->flag, "On.");
  add.flag("--off", values->flag, "Off.");
  add.exclude("--on", "--off");
  return [values] { return Result<ExitCode>(ExitCode::done); };
}

Run add_nothing(Options& /*add*/) {
  return [] { return Result<ExitCode>(ExitCode::done); };
}

constexpr Verb kSampleVerbs[] = {
    {"every", "Has every kind.", add_every_kind, "sample every a b\nsample every c d"},
    {"group one", "The first.", add_nothing, "sample group one"},
    {"secret", "Not for people.", add_nothing, "sample secret", /*hidden=*/true},
    {"group two", "The second.", add_nothing, ""},
};
constexpr Program kSample{"sample", "Shows help.", kSampleVerbs};

TEST(Help, OfAProgramListsVerbsAndGroupsButNotTheHidden) {
  EXPECT_EQ(help_text(kSample),
            "Shows help.\n"
            "Usage: sample [OPTIONS] SUBCOMMAND\n"
            "\n"
            "Options:\n"
            "  -h,--help                       Print this help message and exit\n"
            "\n"
            "Subcommands:\n"
            "  every                           Has every kind.\n"
            "  group                           one | two\n"
            "\n");
}

TEST(Help, OfAGroupListsItsVerbs) {
  EXPECT_EQ(help_text(kSample, "group"),
            "one | two\n"
            "Usage: sample group [OPTIONS] SUBCOMMAND\n"
            "\n"
            "Options:\n"
            "  -h,--help                       Print this help message and exit\n"
            "\n"
            "Subcommands:\n"
            "  one                             The first.\n"
            "  two                             The second.\n"
            "\n");
}

TEST(Help, OfAVerbHasARowForEachOption) {
  EXPECT_EQ(help_text(kSample, "every"),
            "Has every kind.\n"
            "Usage: sample every [OPTIONS] NODE [LOGIN] ARGS...\n"
            "\n"
            "Positionals:\n"
            "  NODE TEXT REQUIRED              The node.\n"
            "  LOGIN USER@HOST                 The account.\n"
            "  ARGS TEXT ... REQUIRED          All others.\n"
            "\n"
            "Options:\n"
            "  -h,--help                       Print this help message and exit\n"
            "  --out TEXT                      Where it goes.\n"
            "  --a-name-that-needs-more ROOM ... REQUIRED\n"
            "                                  Several.\n"
            "  --on Excludes: --off            On.\n"
            "  --off Excludes: --on            Off.\n"
            "\n"
            "Examples:\n"
            "  sample every a b\n"
            "  sample every c d\n");
}

TEST(Help, WithoutAnExampleEndsInAnEmptyLine) {
  EXPECT_EQ(help_text(kSample, "group two"),
            "The second.\n"
            "Usage: sample group two [OPTIONS]\n"
            "\n"
            "Options:\n"
            "  -h,--help                       Print this help message and exit\n"
            "\n");
  EXPECT_TRUE(help_text(kSample, "group one").ends_with("\n\nExample:\n  sample group one\n"));
}

TEST(Help, IsThereForTheHiddenAndNotForTheUnknown) {
  EXPECT_TRUE(help_text(kSample, "secret").starts_with("Not for people.\n"));
  EXPECT_EQ(help_text(kSample, "one"), "");
  EXPECT_EQ(help_text(kSample, "group three"), "");
}

TEST(Describe, EachOptionIsARow) {
  const std::vector<OptionRow> rows = options_of(kSampleVerbs[0]);
  ASSERT_EQ(rows.size(), 7U);
  EXPECT_EQ(rows[1].name, "NODE");
  EXPECT_EQ(rows[1].value, "NODE") << "the name says more than TEXT";
  EXPECT_TRUE(rows[1].positional && rows[1].required && !rows[1].repeated);
  EXPECT_EQ(rows[2].value, "USER@HOST");
  EXPECT_TRUE(rows[3].positional && rows[3].repeated);
  EXPECT_EQ(rows[4].value, "ROOM");
  EXPECT_TRUE(rows[4].repeated && rows[4].required && !rows[4].positional);
  EXPECT_EQ(rows[5].value, "");
  EXPECT_EQ(rows[5].never, std::vector<std::string>{"--off"});
  EXPECT_EQ(rows[6].never, std::vector<std::string>{"--on"});
}

}  // namespace
}  // namespace reversi

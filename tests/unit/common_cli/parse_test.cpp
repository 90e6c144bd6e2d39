#include "common/cli/parse.h"

#include <gtest/gtest.h>

#include "common/cli/options.h"

namespace reversi {
namespace {

using Words = std::vector<std::string>;

/// A verb with one option of each kind, and what it was given.
struct Sample {
  std::string node, more = "unset", key, sort = "name";
  Words globs, args;
  bool is_json = false, is_watch = false, is_check = false;
  OptionTable table;

  explicit Sample(Need need = Need::optional, bool has_words = false) {
    Options add(table);
    add.text("NODE", node, "A node.", "", need);
    if (has_words) {
      add.words("ARGS", args, "Words.");
    } else {
      add.text("MORE", more, "More.");
    }
    add.text("--key", key, "A key.", "FILE|-", need);
    add.text("--sort", sort, "An order.");
    add.list("--match", globs, "Names.", "GLOB");
    add.flag("--json", is_json, "JSON.");
    add.flag("--watch", is_watch, "Again.");
    add.flag("--check", is_check, "Once.");
    add.exclude("--check", "--watch");
  }

  /// "", "help", or the mistake.
  std::string read(const Words& words) {
    const auto given = parse_options(table, words);
    if (!given) return given.error().line();
    store(table, *given);
    return given->wants_help ? "help" : "";
  }

  std::string seen() const {
    std::string text = node + "," + more + "," + key + "," + sort;
    for (const std::string& glob : globs) text += " m:" + glob;
    for (const std::string& word : args) text += " a:" + word;
    return text + (is_json ? " json" : "") + (is_watch ? " watch" : "") +
           (is_check ? " check" : "");
  }
};

struct Row {
  Words words;
  std::string expected;
};

TEST(ParseOptions, WhatIsGivenIsWrittenAndTheRestKeepsItsDefault) {
  const Row rows[] = {
      {{}, ",unset,,name"},
      {{"a"}, "a,unset,,name"},
      {{"a", "b"}, "a,b,,name"},
      {{"--key", "k"}, ",unset,k,name"},
      {{"--key=k"}, ",unset,k,name"},
      {{"--key=a=b"}, ",unset,a=b,name"},
      {{"--sort="}, ",unset,,"},
      {{"--sort", ""}, ",unset,,"},
      {{"", "b"}, ",b,,name"},
      {{"--json", "a", "--key", "k", "b"}, "a,b,k,name json"},
      {{"a", "--json", "--json"}, "a,unset,,name json"},
      {{"--match", "x", "a", "--match=y"}, "a,unset,,name m:x m:y"},
      {{"--match", "[x,y]"}, ",unset,,name m:[x,y]"},
      {{"--watch"}, ",unset,,name watch"},
      {{"--check"}, ",unset,,name check"},
  };
  for (const Row& row : rows) {
    Sample sample;
    EXPECT_EQ(sample.read(row.words), "") << row.expected;
    EXPECT_EQ(sample.seen(), row.expected);
  }
}

TEST(ParseOptions, AWordWithADashIsAValueAfterAnOptionAndAfterTwoDashes) {
  const Row rows[] = {
      {{"--key", "-"}, ",unset,-,name"},
      {{"--key", "-x"}, ",unset,-x,name"},
      {{"--key", "--json"}, ",unset,--json,name"},
      {{"--key", "--help"}, ",unset,--help,name"},
      {{"--key", "--", "a"}, "a,unset,--,name"},
      {{"--key=-1"}, ",unset,-1,name"},
      {{"-"}, "-,unset,,name"},
      {{"-1"}, "-1,unset,,name"},
      {{"--"}, ",unset,,name"},
      {{"--json", "--", "--json"}, "--json,unset,,name json"},
      {{"a", "--", "-h"}, "a,-h,,name"},
      {{"--", "--", "--"}, "--,--,,name"},
  };
  for (const Row& row : rows) {
    Sample sample;
    EXPECT_EQ(sample.read(row.words), "") << row.expected;
    EXPECT_EQ(sample.seen(), row.expected);
  }
}

TEST(ParseOptions, ManyWordsAreAllThatIsLeft) {
  const Row rows[] = {
      {{"n", "a"}, "n,unset,,name a:a"},
      {{"n", "a", "--json", "b"}, "n,unset,,name a:a a:b json"},
      {{"--json", "n", "--", "-N", "--", "--json"}, "n,unset,,name a:-N a:-- a:--json json"},
      {{"n", "a", "--", "-N"}, "n,unset,,name a:a a:-N"},
  };
  for (const Row& row : rows) {
    Sample sample(Need::optional, true);
    EXPECT_EQ(sample.read(row.words), "") << row.expected;
    EXPECT_EQ(sample.seen(), row.expected);
  }
}

TEST(ParseOptions, EachMistakeIsOneSentence) {
  const Row rows[] = {
      {{"--jsno"}, "unknown option --jsno (did you mean \"--json\"?)"},
      {{"--jsno=x"}, "unknown option --jsno (did you mean \"--json\"?)"},
      {{"-json"}, "unknown option -json (did you mean \"--json\"?)"},
      {{"--hepl"}, "unknown option --hepl (did you mean \"--help\"?)"},
      {{"--Json"}, "unknown option --Json (did you mean \"--json\"?)"},
      {{"--unheard-of"}, "unknown option --unheard-of"},
      {{"--js"}, "unknown option --js (did you mean \"--json\"?)"},
      {{"-x"}, "unknown option -x"},
      {{"-hx"}, "unknown option -hx"},
      {{"--NODE", "a"}, "unknown option --NODE"},
      {{"--=a"}, "unknown option --"},
      {{"--json=yes"}, "--json takes no value"},
      {{"--json="}, "--json takes no value"},
      {{"--help=me"}, "--help takes no value"},
      {{"--key"}, "--key needs a value: FILE|-"},
      {{"--sort"}, "--sort needs a value"},
      {{"--match", "x", "--match"}, "--match needs a value: GLOB"},
      {{"--key", "a", "--key", "a"}, "--key is given twice"},
      {{"--key=a", "--key="}, "--key is given twice"},
      {{"a", "b", "c", "d"}, "unexpected argument \"c\""},
      {{"a", "b", ""}, "unexpected argument \"\""},
      {{"--match", "x", "y", "z", "*"}, "unexpected argument \"*\""},
      {{"--check", "--watch"}, "--watch and --check cannot be given together"},
      {{"--watch", "--json", "--check"}, "--watch and --check cannot be given together"},
      {{"--nope", "--key"}, "unknown option --nope"},
      {{"--key", "a\nb", "--\x1b[2J"}, "unknown option --?[2J"},
  };
  for (const Row& row : rows) {
    Sample sample;
    EXPECT_EQ(sample.read(row.words), row.expected);
    EXPECT_EQ(sample.seen(), Sample().seen()) << "nothing is written: " << row.expected;
  }
}

TEST(ParseOptions, WhatIsRequiredIsMissedInTheOrderOfTheTable) {
  const Row rows[] = {
      {{}, "NODE is required"},
      {{"--key", "k"}, "NODE is required"},
      {{"--"}, "NODE is required"},
      {{"n"}, "--key is required"},
      {{"n", "--nope"}, "unknown option --nope"},
      {{"n", "--key="}, ""},
      {{"", "--key", "k"}, ""},
  };
  for (const Row& row : rows) EXPECT_EQ(Sample(Need::required).read(row.words), row.expected);
  EXPECT_EQ(Sample(Need::optional, true).read({"n"}), "ARGS is required");
  EXPECT_EQ(Sample(Need::optional, true).read({"n", "--"}), "ARGS is required");
  EXPECT_EQ(Sample(Need::optional, true).read({"n", "-M", "0"}),
            "unknown option -M; ARGS with dashes go after --");
}

TEST(ParseOptions, HelpCountsMoreThanAnyMistake) {
  for (const Words& words : std::initializer_list<Words>{{"-h"},
                                                         {"--help"},
                                                         {"--nope", "--help"},
                                                         {"-h", "--nope"},
                                                         {"--help", "--key"},
                                                         {"a", "b", "c", "-h"}}) {
    EXPECT_EQ(Sample(Need::required).read(words), "help") << words.back();
  }
}

TEST(Options, WhatExcludesHasToBeThere) {
  OptionTable table;
  bool value = false;
  Options add(table);
  add.flag("--one", value, "One.");
  EXPECT_THROW(add.exclude("--one", "--other"), std::logic_error);
}

}  // namespace
}  // namespace reversi

#include "common/core/json_fields.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace reversi {
namespace {

TEST(ParseOwnJson, SaysWhatParseJsonSays) {
  for (const std::string text :
       {"{\n  \"a b\": \"c \\\" : d\",\n  \"e\": [1, 2,\n 3 ]\n}\n", "[1 2]", "[\"a\" \"b\"]",
        "[1\n2]", "[tr ue]", "{\"a\": // why\n 1}", "{\"a\": \"// no\"}", "[ ]", "", " ", "{",
        "[\"a\\", "[1,]", "{\"a\" : -\n1}", "\"a\nb\"", "[1]  \n  [2]"}) {
    const auto plain = parse_json(text, true);
    const auto own = parse_own_json(text);
    ASSERT_EQ(plain.has_value(), own.has_value()) << text;
    if (plain) {
      EXPECT_EQ(*plain, *own) << text;
    } else {
      EXPECT_EQ(plain.error().line(), own.error().line()) << text;
    }
  }
}

TEST(ParseJson, SaysWhereTheMistakeIs) {
  const auto doc = parse_json("{\n  \"node\": \"cam\"\n  \"x\": 1\n}");
  ASSERT_FALSE(doc);
  EXPECT_EQ(doc.error().line().substr(0, 16), "line 3, column 5");
  EXPECT_NE(doc.error().line().find("expected"), std::string::npos) << doc.error().line();
}

TEST(ParseJson, TakesCommentsOnlyWhereAllowed) {
  EXPECT_TRUE(parse_json("// why\n{}", true));
  EXPECT_FALSE(parse_json("// why\n{}"));
}

TEST(ParseJson, NeverThrows) {
  for (const std::string_view text :
       {std::string_view(""), std::string_view("\xff\xfe"), std::string_view("{\"a\":1e999}"),
        std::string_view("\0\0", 2), std::string_view("[1,]")}) {
    EXPECT_FALSE(parse_json(text));
  }
  EXPECT_FALSE(parse_json(std::string(60'000, '['))) << "depth is no reason to crash";
}

TEST(JsonLine, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(json_line(Json{{"a", "\xff\n"}}), "{\"a\":\"\xEF\xBF\xBD\\n\"}");
}

TEST(Fields, TheFirstMistakeWinsAndNamesItsKey) {
  const Json doc = Json::parse(R"({"a": 1, "b": "x", "c": null})");
  std::string text;
  std::int64_t number = 0;
  Fields fields(doc);
  fields.need("b", number, 0, 9).need("a", text, 10);
  EXPECT_EQ(fields.done().error().line(), "b: expected a whole number from 0 to 9");
}

TEST(Fields, NumbersNeitherWrapNorRound) {
  for (const char* value : {"65536", "-1", "1.5", "18446744073709551615", "true", "\"1\""}) {
    const Json doc = Json::parse(std::string("{\"port\":") + value + "}");
    std::int64_t port = 7;
    EXPECT_FALSE(Fields(doc).need("port", port, 0, 65535).done()) << value;
    EXPECT_EQ(port, 7) << value;
  }
}

TEST(Fields, NullAndMissingKeepTheDefault) {
  const Json doc = Json::parse(R"({"a": null})");
  std::string text = "default";
  EXPECT_TRUE(Fields(doc).may("a", text, 10).may("b", text, 10).done());
  EXPECT_EQ(text, "default");
  EXPECT_EQ(Fields(doc).need("a", text, 10).done().error().line(), "a: missing");
}

TEST(Fields, BoundsAreKept) {
  const Json doc = Json::parse(R"({"text": "12345", "list": ["a", "b", "c"]})");
  std::string text;
  std::vector<std::string> list;
  EXPECT_FALSE(Fields(doc).need("text", text, 4).done());
  EXPECT_FALSE(Fields(doc).may("list", list, 2, 10).done());
  EXPECT_TRUE(Fields(doc).may("list", list, 3, 1).done());
  EXPECT_EQ(list.size(), 3U);
}

}  // namespace
}  // namespace reversi

#include "common/core/expect.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace reversi {
namespace {

using Step = ExpectMatcher::Step;

Expect banner(std::string match) {
  return {.kind = Expect::Kind::banner, .match = std::move(match)};
}
Expect http(int status = 200) {
  return {.kind = Expect::Kind::http, .status = status};
}

TEST(ExpectMatcher, ConnectMatchesWithoutAByte) {
  EXPECT_EQ(ExpectMatcher({}).step({}), Step::match);
}

TEST(ExpectMatcher, ABannerMatchesHoweverItIsCut) {
  for (std::size_t cut = 0; cut <= 8; ++cut) {
    const std::string_view answer = "SSH-2.0-dropbear";
    ExpectMatcher matcher(banner("SSH-2.0-"));
    EXPECT_EQ(matcher.step(answer.substr(0, cut)), cut == 8 ? Step::match : Step::more) << cut;
    EXPECT_EQ(matcher.step(answer.substr(cut)), Step::match) << cut;
  }
}

TEST(ExpectMatcher, AWrongFirstByteIsEnough) {
  ExpectMatcher matcher(banner("SSH-2.0-"));
  EXPECT_EQ(matcher.step("H"), Step::mismatch);
  EXPECT_EQ(matcher.step("SSH-2.0-"), Step::mismatch) << "a decision stays";
  EXPECT_EQ(matcher.mismatch_reason(), "answered \"H\", expected \"SSH-2.0-\"");
}

TEST(ExpectMatcher, AnEmptyAnswerIsNoMatch) {
  ExpectMatcher matcher(banner("SSH-2.0-"));
  EXPECT_EQ(matcher.end(), Step::mismatch);
  EXPECT_EQ(matcher.mismatch_reason(), "closed without an answer, expected \"SSH-2.0-\"");
}

TEST(ExpectMatcher, HttpReadsTheStatusLineOnly) {
  ExpectMatcher matcher(http());
  EXPECT_EQ(matcher.step("HTTP/1.1 20"), Step::more);
  EXPECT_EQ(matcher.step("0 OK\r\nX: y"), Step::match);
  EXPECT_EQ(ExpectMatcher(http()).step("HTTP/1.1 404 Not Found\r\n"), Step::mismatch);
  EXPECT_EQ(ExpectMatcher(http(404)).step("HTTP/1.0 404 Not Found\n"), Step::match);
  EXPECT_EQ(ExpectMatcher(http()).step("SSH-2.0-x\r\n"), Step::mismatch);
  EXPECT_EQ(ExpectMatcher(http()).step("HTTP/1.1 2x0 OK\n"), Step::mismatch);
}

TEST(ExpectMatcher, AnEndlessStatusLineIsAMismatch) {
  ExpectMatcher matcher(http());
  const std::string chunk(1000, 'x');
  Step step = Step::more;
  for (int i = 0; i < 9; ++i) step = matcher.step(chunk);
  EXPECT_EQ(step, Step::mismatch);
  EXPECT_LT(matcher.mismatch_reason().size(), 200U);
}

TEST(Expect, IsReadBackAsItWasWritten) {
  for (const Expect& expect :
       {Expect{}, banner("SSH-2.0-"), http(301),
        Expect{.kind = Expect::Kind::banner, .match = "+PONG", .send = "PING\r\n"},
        Expect{.kind = Expect::Kind::http, .path = "/a,b", .status = 204}}) {
    EXPECT_EQ(expect_from_json(expect_to_json(expect)).value(), expect);
    if (expect.send.empty()) {
      EXPECT_EQ(parse_expect(format_expect(expect)).value(), expect) << format_expect(expect);
    }
  }
}

TEST(Expect, TheCommandLineHasDefaults) {
  EXPECT_EQ(parse_expect("http").value(), http());
  EXPECT_EQ(parse_expect("http=/x").value().path, "/x");
  EXPECT_EQ(parse_expect("http=/x,404").value().status, 404);
}

TEST(Expect, EveryMistakeIsAnErrorThatNamesIt) {
  for (const char* text : {"", "connect=1", "banner", "banner=", "http=x", "http=/x,99", "http=/x,",
                           "http=/a b", "regex=.*"}) {
    EXPECT_FALSE(parse_expect(text)) << text;
  }
  const auto error_of = [](const char* text) {
    return expect_from_json(nlohmann::json::parse(text)).error().line();
  };
  EXPECT_EQ(error_of(R"({"kind":"regex"})"), "kind: expected \"connect\", \"banner\" or \"http\"");
  EXPECT_EQ(error_of(R"({"kind":"banner"})"), "match: missing");
  EXPECT_EQ(error_of(R"({"kind":"banner","match":""})"),
            "match: expected 1 to 256 bytes that the answer starts with");
  EXPECT_EQ(error_of(R"({"kind":"http","match":"x"})"), "match: unknown key for kind \"http\"");
  EXPECT_EQ(error_of(R"({"kind":"http","status":"200"})"),
            "status: expected a whole number from 100 to 599");
  EXPECT_EQ(error_of(R"([])"), "expected an object");
}

}  // namespace
}  // namespace reversi

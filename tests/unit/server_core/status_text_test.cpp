#include "server/core/status_text.h"

#include <gtest/gtest.h>

#include "server/core/duration_text.h"
#include "server/core/text_columns.h"
#include "server_builders.h"
#include "tests/support/golden.h"

namespace reversi::server {
namespace {

using testing::at;

ForwardStatus forward(std::string name, int port, Verdict verdict, std::string reason = "") {
  return {std::move(name),
          "localhost:" + std::to_string(port),
          "127.0.0.1:22",
          verdict,
          std::move(reason),
          {},
          {},
          at(7200)};
}

NodeStatus node(std::string name, NodeState state, std::string address = "") {
  NodeStatus status;
  status.node = std::move(name);
  status.state = state;
  status.since = at(0);
  status.last_seen = at(7490);
  if (!address.empty()) {
    status.session = SessionStatus{};
    status.session->client_address = std::move(address);
  }
  return status;
}

std::vector<NodeStatus> fleet() {
  NodeStatus up = node("cam-07", NodeState::up, "192.0.2.7");
  up.forwards = {forward("ssh", 20001, Verdict::healthy)};
  NodeStatus degraded = node("cam-08", NodeState::degraded, "198.51.100.200");
  degraded.forwards = {
      forward("ssh", 20002, Verdict::service_down, "the target on the node is refused"),
      forward("web", 20003, Verdict::healthy)};
  NodeStatus down = node("cam-09", NodeState::down);
  down.reason = "no heartbeat for 90 s (limit 45 s)";
  down.since = at(-273'600);
  down.forwards = {forward("ssh", 20004, Verdict::unknown, "no session")};
  NodeStatus wide = node("a-name-of-sixty-three-characters-is-as-long-as-a-dns-label-can-",
                         NodeState::degraded, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
  for (int i = 0; i < 4; ++i)
    wide.forwards.push_back(forward("web-" + std::to_string(i), 20010 + i, Verdict::healthy));
  wide.forwards.push_back(
      forward("forward-name-of-thirty-one-char", 65535, Verdict::wrong_answer,
              "Verbindung vom Gerät abgelehnt, wie schon gestern und vorgestern und am Tag davor"));
  NodeStatus never;
  never.node = "router";
  never.reason = "never connected";
  never.forwards = {forward("ssh", 20005, Verdict::unknown, "not yet judged")};
  NodeStatus bare = node("x", NodeState::up, "192.0.2.8");
  return {up, degraded, down, wide, never, bare};
}

/// The widest line, colours aside.
std::size_t widest(const std::string& text) {
  std::size_t widest = 0, at_column = 0;
  bool in_code = false;
  for (const char c : text) {
    if (c == '\x1b') in_code = true;
    if (!in_code && (static_cast<unsigned char>(c) & 0xC0) != 0x80) ++at_column;
    if (c == 'm') in_code = false;
    if (c == '\n') at_column = 0;
    widest = std::max(widest, at_column);
  }
  return widest;
}

TEST(StatusText, FitsATerminalOfEightyColumnsAndGrows) {
  const std::string narrow = status_text(fleet(), at(7500), {80, false});
  const std::string wide = status_text(fleet(), at(7500), {140, false});
  reversi::testing::expect_golden("server_status.txt", narrow);
  reversi::testing::expect_golden("server_status_140.txt", wide);
  EXPECT_LT(wide.size(), narrow.size() + 400) << "fewer lines where there is room";
}

TEST(StatusText, NoLineIsWiderThanTheTerminal) {
  for (std::size_t width = 80; width < 260; ++width) {
    for (const bool has_colour : {false, true}) {
      const std::string text = status_text(fleet(), at(7500), {width, has_colour});
      ASSERT_LE(widest(text), width) << text;
    }
  }
  EXPECT_EQ(status_text(fleet(), at(7500), {20, false}),
            status_text(fleet(), at(7500), {80, false}));
}

TEST(StatusText, ColoursAreAllThatColourAdds) {
  const std::string plain = status_text(fleet(), at(7500), {100, false});
  std::string coloured = status_text(fleet(), at(7500), {100, true});
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  EXPECT_NE(coloured.find("\x1b[32mup\x1b[0m"), std::string::npos) << coloured;
  EXPECT_NE(coloured.find("\x1b[31mdown\x1b[0m"), std::string::npos) << coloured;
  EXPECT_NE(coloured.find("\x1b[33mservice_down\x1b[0m"), std::string::npos) << coloured;
  for (std::size_t at = 0; (at = coloured.find('\x1b')) != std::string::npos;) {
    coloured.erase(at, coloured.find('m', at) + 1 - at);
  }
  EXPECT_EQ(coloured, plain);
}

TEST(StatusText, NothingThatANodeSaidReachesTheTerminalRaw) {
  NodeStatus hostile = node("x", NodeState::degraded, "\x1b]0;title\x07");
  hostile.forwards = {forward("\x1b[31m", 20001, Verdict::not_granted, "\r\n\x1b[2J")};
  hostile.forwards[0].listen = "localhost:\x1b[H";
  hostile.reason = "x.json: \x1b[2J\xe2\x80\xae";
  const std::string text = status_text({hostile}, at(7500), {120, false});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos) << "a change of direction";
}

TEST(FormatDuration, TwoFiguresAreEnough) {
  EXPECT_EQ(format_duration(Millis{4190}), "4.1 s");
  EXPECT_EQ(format_duration(Millis{200'000}), "3 min 20 s");
  EXPECT_EQ(format_duration(Millis{7'500'000}), "2 h 5 min");
  EXPECT_EQ(format_duration(Millis{273'600'000}), "3 d 4 h");
}

TEST(FormatDuration, AColumnHasRoomForSeven) {
  EXPECT_EQ(format_short_duration(Millis{-5}), "0s");
  EXPECT_EQ(format_short_duration(Millis{59'999}), "59s");
  EXPECT_EQ(format_short_duration(Millis{200'000}), "3m20s");
  EXPECT_EQ(format_short_duration(Millis{7'500'000}), "2h05m");
  EXPECT_EQ(format_short_duration(Millis{273'600'000}), "3d04h");
  EXPECT_EQ(format_short_duration(Millis{std::chrono::days{120}}), "120d");
  EXPECT_LE(format_short_duration(Millis::max()).size(), 7U);
}

TEST(Clip, CountsCharactersNotBytes) {
  EXPECT_EQ(clip("Gerät", 5), "Gerät");
  EXPECT_EQ(clip("Gerät", 4), "Ger…");
  EXPECT_EQ(pad("ä", 3), "ä  ");
}

}  // namespace
}  // namespace reversi::server

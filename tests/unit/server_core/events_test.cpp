#include "server/core/events.h"

#include <gtest/gtest.h>

#include "server/core/event_scan.h"
#include "server_builders.h"
#include "tests/support/golden.h"

namespace reversi::server {
namespace {

using testing::at;

std::vector<Event> one_of_each() {
  return {
      {.at = at(0), .kind = EventKind::changed, .reason = "added"},
      {.at = at(2), .kind = EventKind::up, .session = "s1", .was_down = Millis{4100}},
      {.at = at(3),
       .kind = EventKind::verdict,
       .session = "s1",
       .reason = "connection refused",
       .forward = "ssh",
       .verdict = Verdict::service_down},
      {.at = at(4), .kind = EventKind::evicted, .session = "s1", .reason = "pid 811, blackholed"},
      {.at = at(5),
       .kind = EventKind::refused,
       .reason = "duplicate",
       .address = "198.51.100.4",
       .machine = "m2"},
      {.at = at(6), .kind = EventKind::conflict, .address = "198.51.100.4", .machine = "m2"},
      {.at = at(7), .kind = EventKind::protocol_error, .session = "s1", .reason = "not JSON"},
      {.at = at(8), .kind = EventKind::file_error, .reason = "node.json: broken"},
      {.at = at(9), .kind = EventKind::down, .session = "s1", .was_up = Millis{93'784'000}},
  };
}

TEST(EventGolden, EveryEventKeepsItsForm) {
  std::string lines;
  std::string text;
  for (const Event& event : one_of_each()) {
    lines += encode_event(event);
    text += format_event(event) + '\n';
  }
  reversi::testing::expect_golden("events.jsonl", lines);
  reversi::testing::expect_golden("events.txt", text);
}

TEST(Event, ComesBackAsItWasWritten) {
  for (const Event& event : one_of_each()) {
    const auto back = decode_event(encode_event(event));
    ASSERT_TRUE(back) << back.error().line();
    EXPECT_EQ(*back, event);
  }
}

TEST(Event, TheQuickScanSaysWhatTheJsonParserSays) {
  std::string lines;
  for (const Event& event : one_of_each()) {
    std::string line = encode_event(event);
    line.pop_back();
    const auto plain = scan_event(line);
    ASSERT_TRUE(plain) << line;
    EXPECT_EQ(*plain, event);
    lines += line;
  }
  // Seeded mutations; a space in front is what the quick scan does not take.
  std::uint32_t seed = 20'261'121;
  const auto random = [&](std::size_t below) {
    seed = seed * 1'664'525 + 1'013'904'223;
    return static_cast<std::size_t>(seed >> 8) % below;
  };
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string line = encode_event(one_of_each()[random(one_of_each().size())]);
    line.pop_back();
    for (std::size_t edits = random(3); edits > 0; --edits) {
      const std::size_t at = random(line.size());
      const std::string piece = lines.substr(random(lines.size() - 8), random(8));
      line.replace(at, random(4), piece);
    }
    const auto plain = scan_event(line);
    if (!plain) continue;
    ++taken;
    const auto slow = decode_event(' ' + line);
    ASSERT_TRUE(slow) << line << slow.error().line();
    EXPECT_EQ(*plain, *slow) << line;
  }
  EXPECT_GT(taken, 2000);
}

TEST(Event, AKindOfTheFutureIsUnknownAndNotLost) {
  const auto event =
      decode_event(R"({"at":"2030-01-01T00:00:00.000Z","event":"teleported","x":1})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, EventKind::unknown);
}

TEST(Event, AnythingElseIsAMistake) {
  for (const std::string bad :
       {"", "{", "[]", "{}", "{\"at\":1,\"event\":\"up\"}", "\xff\xff", "{\"event\":\"up\"}"}) {
    EXPECT_FALSE(decode_event(bad)) << bad;
  }
  EXPECT_FALSE(decode_event(std::string(3000, ' ') + "{}"));
}

TEST(Event, HostileTextStaysOneShortPrintableLine) {
  Event event{.at = at(0), .kind = EventKind::protocol_error};
  event.reason = "a\nb\x1b[31m\xff" + std::string(5000, 'x');
  event.address = event.machine = event.forward = event.session = event.reason;
  const std::string line = encode_event(event);
  EXPECT_LE(line.size(), kMaxEventBytes);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_TRUE(decode_event(line));
  EXPECT_EQ(format_event(event).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace reversi::server

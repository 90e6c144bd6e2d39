#include "server/core/status_text.h"

#include <gtest/gtest.h>

#include "server_builders.h"
#include "tests/support/golden.h"

namespace reversi::server {
namespace {

using testing::at;

std::vector<NodeStatus> fleet() {
  NodeStatus up;
  up.node = "cam-07";
  up.state = NodeState::up;
  up.since = at(0);
  up.forwards = {
      {"ssh", "localhost:20001", "127.0.0.1:22", Verdict::healthy, "", Millis{12}, at(1), at(1)}};
  NodeStatus degraded = up;
  degraded.node = "a-name-of-sixty-three-characters-is-as-long-as-a-dns-label-can-be";
  degraded.node.resize(63);
  degraded.state = NodeState::degraded;
  degraded.reason =
      "web: service_down, Verbindung vom Gerät abgelehnt, wie schon gestern und vorgestern";
  degraded.forwards.push_back({"forward-name-of-thirty-one-char",
                               "localhost:65535",
                               "",
                               Verdict::not_requested,
                               degraded.reason,
                               {},
                               {},
                               at(1)});
  NodeStatus never;
  never.node = "router";
  never.reason = "never connected";
  return {up, degraded, never};
}

TEST(StatusText, FitsATerminalOfEightyColumns) {
  const std::string text = status_text(fleet(), at(7500));
  reversi::testing::expect_golden("server_status.txt", text);
  std::size_t columns = 0;
  for (const char c : text) {
    if (c == '\n')
      columns = 0;
    else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80)
      ++columns;
    ASSERT_LE(columns, 80U) << text;
  }
}

TEST(StatusText, NoNodesSaysWhatToDo) {
  EXPECT_NE(status_text({}, at(0)).find("node add"), std::string::npos);
}

TEST(FormatDuration, TwoFiguresAreEnough) {
  EXPECT_EQ(format_duration(Millis{4190}), "4.1 s");
  EXPECT_EQ(format_duration(Millis{200'000}), "3 min 20 s");
  EXPECT_EQ(format_duration(Millis{7'500'000}), "2 h 5 min");
  EXPECT_EQ(format_duration(Millis{273'600'000}), "3 d 4 h");
}

}  // namespace
}  // namespace reversi::server

#include "server/core/cause.h"

#include <gtest/gtest.h>

#include "server_builders.h"

namespace reversi::server {
namespace {

using testing::at;

struct CauseRow {
  Verdict verdict;
  const char* reason;  ///< as the agent writes it
  const char* says;
};

NodeStatus with(Verdict verdict, std::string reason) {
  NodeStatus node;
  node.state = NodeState::degraded;
  node.reason = "ssh: " + std::string(verdict_name(verdict)) + ", " + reason;
  node.forwards = {{"ssh",
                    "localhost:20001",
                    "127.0.0.1:22",
                    verdict,
                    std::move(reason),
                    {},
                    {},
                    at(14 * 3600 + 120)}};
  return node;
}

TEST(Cause, EveryVerdictHasItsWords) {
  const CauseRow rows[] = {
      {Verdict::service_down, "the target on the node is refused",
       "ssh: service refused on 127.0.0.1:22 since 14:02 UTC"},
      {Verdict::service_down, "the target on the node is unreachable",
       "ssh: 127.0.0.1:22 is unreachable since 14:02 UTC"},
      {Verdict::service_down, "the target on the node does not take the connection",
       "ssh: service does not take connections on 127.0.0.1:22 since 14:02 UTC"},
      {Verdict::service_hung, "no answer",
       "ssh: service says nothing on 127.0.0.1:22 since 14:02 UTC"},
      {Verdict::wrong_answer, "HTTP 500",
       "ssh: wrong answer on 127.0.0.1:22 since 14:02 UTC (HTTP 500)"},
      {Verdict::hung, "no path", "ssh: the tunnel is dead since 14:02 UTC"},
      {Verdict::not_listening, "", "ssh: nobody listens on server port 20001 since 14:02 UTC"},
      {Verdict::port_taken, "a listener of uid 0",
       "ssh: server port 20001 is taken since 14:02 UTC (a listener of uid 0)"},
      {Verdict::not_granted, "",
       "ssh: the node asks for it, this server does not know it since 14:02 UTC"},
      {Verdict::not_requested, "", "ssh: the node does not ask for it since 14:02 UTC"},
  };
  for (const CauseRow& row : rows) {
    const auto lines = cause_lines(with(row.verdict, row.reason), at(15 * 3600));
    ASSERT_EQ(lines.size(), 1U) << row.says;
    EXPECT_EQ(lines.front(), row.says);
  }
}

TEST(Cause, ANodeThatIsUpHasNone) {
  NodeStatus node = with(Verdict::slow, "");
  node.state = NodeState::up;
  EXPECT_TRUE(cause_lines(node, at(0)).empty());
}

TEST(Cause, WithoutASessionItIsTheReason) {
  NodeStatus node = with(Verdict::unknown, "no session");
  node.state = NodeState::down;
  node.reason = "no heartbeat for 90 s (limit 45 s)";
  EXPECT_EQ(cause_lines(node, at(0)), std::vector<std::string>{node.reason});
}

TEST(Cause, ABrokenFileIsNotForgottenOverAFault) {
  NodeStatus node = with(Verdict::hung, "");
  node.reason += "; node.json: line 1, column 2: x";
  EXPECT_EQ(cause_lines(node, at(0)).size(), 2U);
}

TEST(Cause, AnotherDayIsNamed) {
  EXPECT_EQ(format_moment(at(0), at(86399)), "00:00 UTC");
  EXPECT_EQ(format_moment(at(-1), at(0)), "2026-11-19 23:59 UTC");
}

TEST(Cause, WhatTheNodeSaysStaysPrintable) {
  NodeStatus node = with(Verdict::service_down, "refused");
  node.forwards[0].target = "\x1b[2J\n" + std::string(5000, 'x');
  const auto lines = cause_lines(node, at(0));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_LE(lines[0].size(), 400U);
  EXPECT_EQ(lines[0].find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace reversi::server

#include "server/core/fleet.h"

#include <gtest/gtest.h>

#include "server_builders.h"

namespace reversi::server {
namespace {

using testing::at;

NodeStatus node_since(std::string name, NodeState state, int since = 0, int seen = 0) {
  NodeStatus status;
  status.node = std::move(name);
  status.state = state;
  if (since != 0) status.since = at(since);
  if (seen != 0) status.last_seen = at(seen);
  return status;
}

std::string names(std::vector<NodeStatus> nodes, SortKey key) {
  sort_nodes(nodes, key);
  std::string text;
  for (const NodeStatus& each : nodes) text += each.node;
  return text;
}

TEST(Fleet, IsSortedByWhatIsAskedFor) {
  const std::vector<NodeStatus> nodes{
      node_since("d", NodeState::never_seen), node_since("c", NodeState::up, 10, 99),
      node_since("b", NodeState::down, 30, 20), node_since("a", NodeState::up, 20, 98)};
  EXPECT_EQ(names(nodes, SortKey::name), "abcd");
  EXPECT_EQ(names(nodes, SortKey::state), "bacd");
  EXPECT_EQ(names(nodes, SortKey::since), "bacd");
  EXPECT_EQ(names(nodes, SortKey::seen), "cabd");
}

TEST(Fleet, AFilterThatSaysNothingTakesAll) {
  EXPECT_TRUE(matches_name({}, "cam-07"));
  EXPECT_TRUE(matches_state({}, NodeState::down));
  const FleetFilter filter{{NodeState::down, NodeState::degraded}, {"x*", "cam-?7"}};
  EXPECT_TRUE(matches_name(filter, "cam-07"));
  EXPECT_FALSE(matches_name(filter, "cam-08"));
  EXPECT_TRUE(matches_state(filter, NodeState::degraded));
  EXPECT_FALSE(matches_state(filter, NodeState::up));
}

TEST(Fleet, TheSummaryCountsWhatIsThere) {
  const std::vector<NodeStatus> nodes{
      node_since("a", NodeState::down), node_since("b", NodeState::up),
      node_since("c", NodeState::up), node_since("d", NodeState::degraded)};
  EXPECT_EQ(summary_line(nodes, 4), "4 nodes: 2 up, 1 degraded, 1 down");
  EXPECT_EQ(summary_line(nodes, 300), "4 of 300 nodes: 2 up, 1 degraded, 1 down");
  EXPECT_EQ(summary_line({node_since("a", NodeState::never_seen)}, 1), "1 node: 1 never_seen");
  EXPECT_EQ(summary_line({}, 3), "0 of 3 nodes");
}

TEST(Fleet, AWordThatIsNoneNamesThoseThatAre) {
  EXPECT_EQ(parse_state_option("never_seen").value(), NodeState::never_seen);
  const auto state = parse_state_option("degradet");
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().line(),
            "--state \"degradet\" is none of up, degraded, down, unknown, never_seen, disabled "
            "(did you mean \"degraded\"?)");
  EXPECT_EQ(parse_sort_option("seen").value(), SortKey::seen);
  EXPECT_EQ(parse_sort_option("Name").error().code(), Errc::usage);
}

}  // namespace
}  // namespace reversi::server

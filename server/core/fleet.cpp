#include "server/core/fleet.h"

#include <algorithm>
#include <array>

#include "common/core/glob.h"
#include "common/core/nearest.h"
#include "common/core/word_table.h"

namespace reversi::server {
namespace {

constexpr WordTable<SortKey, 4> kSortKeys{{{
    {SortKey::name, "name"},
    {SortKey::state, "state"},
    {SortKey::since, "since"},
    {SortKey::seen, "seen"},
}}};

constexpr std::array kSummaryOrder{NodeState::up,      NodeState::degraded,   NodeState::down,
                                   NodeState::unknown, NodeState::never_seen, NodeState::disabled};
constexpr std::array kWorstFirst{NodeState::down, NodeState::degraded,   NodeState::unknown,
                                 NodeState::up,   NodeState::never_seen, NodeState::disabled};

auto badness(NodeState state) {
  return std::ranges::find(kWorstFirst, state) - kWorstFirst.begin();
}

Error unknown_word(const char* option, std::string_view word,
                   const std::vector<std::string_view>& known) {
  std::string all;
  for (const std::string_view each : known) all += (all.empty() ? "" : ", ") + std::string(each);
  return {Errc::usage, std::string(option) + " \"" + printable(word, 40) + "\" is none of " + all +
                           did_you_mean(word, known)};
}

}  // namespace

Result<NodeState> parse_state_option(std::string_view word) {
  if (const auto state = parse_node_state(word)) return *state;
  std::vector<std::string_view> known;
  for (const NodeState state : kSummaryOrder) known.push_back(node_state_name(state));
  return fail(unknown_word("--state", word, known));
}

Result<SortKey> parse_sort_option(std::string_view word) {
  if (const auto key = kSortKeys.parse(word)) return *key;
  std::vector<std::string_view> known;
  for (const auto& row : kSortKeys.rows) known.push_back(row.second);
  return fail(unknown_word("--sort", word, known));
}

bool matches_name(const FleetFilter& filter, std::string_view name) {
  return filter.globs.empty() || std::ranges::any_of(filter.globs, [&](const auto& glob) {
           return glob_match(glob, name);
         });
}

bool matches_state(const FleetFilter& filter, NodeState state) {
  return filter.states.empty() || std::ranges::find(filter.states, state) != filter.states.end();
}

void sort_nodes(std::vector<NodeStatus>& nodes, SortKey key) {
  // A missing time is smaller than any, so it comes last where the latest comes first.
  std::ranges::sort(nodes, [&](const NodeStatus& a, const NodeStatus& b) {
    if (key == SortKey::state && badness(a.state) != badness(b.state)) {
      return badness(a.state) < badness(b.state);
    }
    if (key == SortKey::since && a.since != b.since) return a.since > b.since;
    if (key == SortKey::seen && a.last_seen != b.last_seen) return a.last_seen > b.last_seen;
    return a.node < b.node;
  });
}

std::string summary_line(const std::vector<NodeStatus>& shown, std::size_t all) {
  std::string text = shown.size() == all ? "" : std::to_string(shown.size()) + " of ";
  text += std::to_string(all) + (all == 1 ? " node" : " nodes");
  bool is_first = true;
  for (const NodeState state : kSummaryOrder) {
    const auto count = std::ranges::count(shown, state, &NodeStatus::state);
    if (count == 0) continue;
    text += (is_first ? ": " : ", ") + std::to_string(count) + ' ' +
            std::string(node_state_name(state));
    is_first = false;
  }
  return text;
}

}  // namespace reversi::server

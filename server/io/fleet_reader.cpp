#include "server/io/fleet_reader.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "common/io/clock.h"
#include "server/io/event_log.h"

namespace reversi::server {
namespace {

constexpr Millis kClosingLimit{200};
constexpr std::size_t kNodesWorthAThread = 128;
constexpr std::size_t kMostThreads = 8;
constexpr std::size_t kShare = 32;  // nodes that a thread takes at a time

std::size_t thread_count(std::size_t nodes) {
  const std::size_t processors = std::max(std::thread::hardware_concurrency(), 1U);
  return std::clamp(nodes / kNodesWorthAThread, std::size_t{1}, std::min(processors, kMostThreads));
}

}  // namespace

void share_out(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t begin = next.fetch_add(kShare); begin < count;
         begin = next.fetch_add(kShare)) {
      for (std::size_t i = begin; i < std::min(begin + kShare, count); ++i) work(i);
    }
  };
  std::vector<std::thread> others;
  try {
    for (std::size_t i = 1; i < thread_count(count); ++i) others.emplace_back(run);
  } catch (const std::system_error&) {
    // The account may have no more threads: then those that there are do it.
  }
  run();
  for (std::thread& other : others) other.join();
}

std::vector<Result<NodeRecord>> read_records(const StateDir& state,
                                             const std::vector<NodeName>& names) {
  std::vector<Result<NodeRecord>> records(names.size(), fail(Errc::not_found, "not read"));
  share_out(names.size(), [&](std::size_t i) { records[i] = state.load_node(names[i]); });
  return records;
}

std::vector<NodeStatus> read_fleet(const StateDir& state, const std::vector<NodeName>& names,
                                   WallTime now) {
  std::vector<NodeStatus> nodes(names.size());
  std::vector<char> unclosed(names.size());  // not bool: threads write side by side
  share_out(names.size(), [&](std::size_t i) {
    const NodeFiles files = state.load_files(names[i]);
    unclosed[i] = is_unclosed(files) ? 1 : 0;
    nodes[i] = view_node(files, now);
  });
  const MonoTime deadline = mono_now() + kClosingLimit;
  for (std::size_t i = 0; i < names.size() && mono_now() < deadline; ++i) {
    if (unclosed[i] != 0) close_dead_session(state, names[i], now, Millis{0});
  }
  return nodes;
}

NodeStatus read_one(const StateDir& state, const NodeName& node, WallTime now) {
  const NodeFiles files = state.load_files(node);
  // A killed agent could not say that its session ended: whoever comes next does.
  if (is_unclosed(files)) close_dead_session(state, node, now);
  return view_node(files, now);
}

}  // namespace reversi::server

#include "tests/bench/load/commands.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <ranges>
#include <stdexcept>
#include <utility>

#include "tests/bench/load/user_streams.h"

namespace reversi::bench {
namespace {

constexpr std::chrono::seconds kLimit{60};
constexpr std::chrono::hours kIntactLimit{1};
constexpr std::size_t kWarmUpPings = 10;
constexpr std::size_t kOpenAtOnce = 64;  // sshd queues 128 that it has not accepted
constexpr std::size_t kExchangeBytes = 1024;

Clock::time_point in(double seconds) {
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

void wait_for(EventLoop& loop, Clock::duration limit, const std::function<bool()>& is_done,
              const char* what) {
  if (!loop.run_until(Clock::now() + limit, is_done)) {
    throw std::runtime_error(std::string("still waiting for ") + what);
  }
}

template <class Streams>
bool all_over(const Streams& streams) {
  return std::ranges::all_of(streams, [](const auto& each) { return each->is_over(); });
}

template <class... Values>
std::string format(const char* text, Values... values) {
  std::array<char, 256> line{};
  std::snprintf(line.data(), line.size(), text, values...);
  return line.data();
}

template <class S>
std::vector<std::unique_ptr<S>> open_streams(EventLoop& loop, std::uint16_t port,
                                             std::size_t count) {
  std::vector<std::unique_ptr<S>> streams;
  for (std::size_t i = 0; i < count; ++i) {
    streams.push_back(std::make_unique<S>(loop, connect_to(port)));
    loop.run_once(Clock::now());
  }
  return streams;
}

/// @param receiving  the receiving ends. A connection that never carried a byte is somebody else's:
///                   one of the agent's checks.
Shares measure(EventLoop& loop, auto& receiving, double seconds) {
  for (const auto& each : receiving) each->mark();
  const auto began = Clock::now();
  loop.run_until(in(seconds));
  Shares found{.seconds = std::chrono::duration<double>(Clock::now() - began).count()};
  for (const auto& each : receiving) {
    if (!each->carried_before_mark()) continue;
    const auto share = each->carried_since_mark();
    found.sum += share;
    found.least = found.streams == 0 ? share : std::min(found.least, share);
    found.most = std::max(found.most, share);
    ++found.streams;
    if (share == 0) ++found.starved;
  }
  return found;
}

template <class S>
std::string finish(EventLoop& loop, std::vector<std::unique_ptr<S>>& streams,
                   const Shares& shares) {
  for (auto& each : streams) each->stop();
  wait_for(
      loop, kLimit, [&] { return all_over(streams); }, "the rest of the bulk data");
  std::uint64_t bytes = 0;
  for (const auto& each : streams) {
    if (each->ended_early()) throw std::runtime_error("a stream of bulk data ended early");
    bytes += each->carried();
  }
  return format(R"({"bytes_per_second": %.0f, "bytes": %llu})",
                static_cast<double>(shares.sum) / shares.seconds,
                static_cast<unsigned long long>(bytes));
}

/// Waits until each of so many streams has carried something.
void wait_for_all(EventLoop& loop, std::size_t count,
                  const std::function<std::size_t()>& carrying) {
  wait_for(
      loop, kLimit, [&] { return carrying() >= count; }, "the first bytes of every stream");
}

std::size_t count_carrying(const auto& streams) {
  return static_cast<std::size_t>(
      std::ranges::count_if(streams, [](const auto& each) { return each->carried() > 0; }));
}

double percentile(std::vector<double> sorted, std::size_t percent) {
  std::ranges::sort(sorted);
  return sorted.at(sorted.size() * percent / 100);
}

}  // namespace

Commands::Commands(EventLoop& loop, Service& sink) : loop_(loop), sink_(sink) {}
Commands::~Commands() = default;

std::string Commands::push(std::uint16_t port, std::size_t streams, double warm_up,
                           double seconds) {
  auto senders = open_streams<Sender>(loop_, port, streams);
  return finish(loop_, senders, measure_push(senders, warm_up, seconds));
}

std::string Commands::pull(std::uint16_t port, std::size_t streams, double warm_up,
                           double seconds) {
  auto receivers = open_streams<Receiver>(loop_, port, streams);
  return finish(loop_, receivers, measure_pull(receivers, warm_up, seconds));
}

Shares Commands::measure_push(const Senders& senders, double warm_up, double seconds) {
  wait_for_all(loop_, senders.size(), [&] { return count_carrying(sink_.streams()); });
  for (const auto& each : senders) each->begin();
  loop_.run_until(in(warm_up));
  return measure(loop_, sink_.streams(), seconds);
}

Shares Commands::measure_pull(const Receivers& receivers, double warm_up, double seconds) {
  for (const auto& each : receivers) each->begin();
  wait_for_all(loop_, receivers.size(), [&] { return count_carrying(receivers); });
  loop_.run_until(in(warm_up));
  return measure(loop_, receivers, seconds);
}

std::string Commands::latency(std::uint16_t port, double seconds) {
  Pinger pinger(loop_, connect_to(port), Pinger::kBytes);
  loop_.run_until(in(seconds));
  wait_for(
      loop_, kLimit, [&] { return pinger.is_over() || pinger.took().size() > kWarmUpPings; },
      "the first round trips");
  pinger.stop();
  wait_for(
      loop_, kLimit, [&] { return pinger.is_over() || pinger.is_idle(); }, "a round trip");
  if (pinger.is_over()) throw std::runtime_error("the stream of round trips ended early");
  pinger.leave();
  wait_for(
      loop_, kLimit, [&] { return pinger.is_over(); }, "the end of the round trips");
  const std::vector<double> took(pinger.took().begin() + kWarmUpPings, pinger.took().end());
  return format(R"({"p50": %.1f, "p99": %.1f, "count": %zu})", percentile(took, 50),
                percentile(took, 99), took.size());
}

std::string Commands::exchange(std::uint16_t port, std::size_t streams, double warm_up,
                               double seconds) {
  release();
  open_pingers(port, streams, kExchangeBytes);
  for (const auto& each : held_) each->go_on();
  loop_.run_until(in(warm_up));
  const auto shares = measure(loop_, held_, seconds);
  for (const auto& each : held_) each->stop();
  return format(R"({"bytes_per_second": %.0f, "starved": %zu, "least": %llu, "most": %llu})",
                static_cast<double>(shares.sum) / shares.seconds, shares.starved,
                static_cast<unsigned long long>(shares.least),
                static_cast<unsigned long long>(shares.most));
}

std::string Commands::connections(std::uint16_t port, double seconds) {
  const auto began = Clock::now();
  const auto until = in(seconds);
  std::size_t count = 0;
  while (Clock::now() < until) {
    Guest guest(loop_, connect_to(port));
    wait_for(
        loop_, kLimit, [&] { return guest.is_over(); }, "a greeting");
    if (!guest.was_greeted()) throw std::runtime_error("a connection ended without a greeting");
    ++count;
  }
  const double took = std::chrono::duration<double>(Clock::now() - began).count();
  return format(R"({"per_second": %.1f})", static_cast<double>(count) / took);
}

std::string Commands::hold(std::uint16_t port, std::size_t count) {
  release();
  open_pingers(port, count, Pinger::kBytes);
  return format(R"({"open": %zu})", held_.size());
}

void Commands::open_pingers(std::uint16_t port, std::size_t count, std::size_t bytes) {
  const auto is_waiting = [](const auto& each) { return !each->is_over() && !each->is_idle(); };
  while (held_.size() < count) {
    held_.push_back(std::make_unique<Pinger>(loop_, connect_to(port), bytes));
    held_.back()->stop();
    if (held_.size() % kOpenAtOnce != 0 && held_.size() < count) continue;
    wait_for(
        loop_, kLimit, [&] { return std::ranges::none_of(held_, is_waiting); }, "a round trip");
  }
  if (!std::ranges::all_of(held_, &Pinger::is_idle,
                           [](const auto& each) -> Pinger& { return *each; })) {
    throw std::runtime_error("a connection ended without an echo");
  }
}

void Commands::release() {
  for (const auto& each : held_) {
    wait_for(
        loop_, kLimit, [&] { return each->is_over() || each->is_idle(); }, "the last round trips");
    each->leave();
  }
  wait_for(
      loop_, kLimit, [&] { return all_over(held_); }, "the end of held connections");
  held_.clear();
}

std::string Commands::intact(std::uint16_t port, std::uint64_t bytes) {
  const auto began = Clock::now();
  Comparer comparer(loop_, connect_to(port), bytes);
  wait_for(
      loop_, kIntactLimit, [&] { return comparer.is_over(); }, "what was sent to come back");
  if (!comparer.is_intact()) throw std::runtime_error("what came back differs from what was sent");
  if (comparer.carried() != bytes) throw std::runtime_error("less came back than was sent");
  const double took = std::chrono::duration<double>(Clock::now() - began).count();
  return format(R"({"bytes": %llu, "bytes_per_second": %.0f})",
                static_cast<unsigned long long>(bytes), static_cast<double>(bytes) / took);
}

}  // namespace reversi::bench

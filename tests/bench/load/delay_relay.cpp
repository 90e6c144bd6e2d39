#include <sys/epoll.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/load/stream.h"

/// A line with a fixed delay each way and no limit on its speed: a TCP relay on loopback.
///
///   delay-relay LISTEN_PORT TARGET_PORT ONE_WAY_MS
///
/// The kernel has no such line without tc's netem, and TCP itself sees none here: what is measured is
/// how much SSH keeps in flight. Late by up to a millisecond, epoll_wait(2)'s unit.
namespace reversi::bench {
namespace {

constexpr std::size_t kPartBytes = std::size_t{256} * 1024;
constexpr std::size_t kMostInFlight = std::size_t{512} << 20;

/// One socket: what it receives waits until it is due at the other one.
class End : public Stream {
 public:
  End(EventLoop& loop, UniqueFd socket, Clock::duration delay)
      : Stream(loop, std::move(socket), EPOLLIN), delay_(delay) {}

  void on_events(std::uint32_t events) override {
    if ((events & EPOLLOUT) != 0) is_full_ = false;
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0) take();
  }

  void deliver_to(End& other) {
    const auto now = Clock::now();
    while (!parts_.empty() && parts_.front().due <= now && !other.is_full_ && !other.is_over()) {
      auto& part = parts_.front();
      const auto sent = other.send(std::span<const char>(part.bytes).subspan(part.sent));
      part.sent += sent;
      in_flight_ -= sent;
      other.is_full_ = part.sent < part.bytes.size();
      if (!other.is_full_) parts_.pop_front();
    }
  }

  /// When something is due at an end that can take it.
  [[nodiscard]] Clock::time_point due_at(const End& other) const {
    return parts_.empty() || other.is_full_ ? Clock::time_point::max() : parts_.front().due;
  }

  void wait() {
    want((in_flight_ < kMostInFlight ? std::uint32_t{EPOLLIN} : 0U) |
         (is_full_ ? std::uint32_t{EPOLLOUT} : 0U));
  }

 private:
  struct Part {
    Clock::time_point due;
    std::vector<char> bytes;
    std::size_t sent = 0;
  };

  void take() {
    static std::vector<char> buffer(kPartBytes);
    const auto got = std::span(buffer).first(receive(buffer));
    if (got.empty()) return;
    parts_.push_back({Clock::now() + delay_, {got.begin(), got.end()}});
    in_flight_ += got.size();
  }

  Clock::duration delay_;
  std::deque<Part> parts_;
  std::size_t in_flight_ = 0;
  bool is_full_ = false;
};

/// Two ends. An SSH connection has no use for half of one, so one end's end is the other's.
class Pair {
 public:
  Pair(EventLoop& loop, UniqueFd client, UniqueFd server, Clock::duration delay)
      : client_(loop, std::move(client), delay), server_(loop, std::move(server), delay) {}

  void deliver() {
    client_.deliver_to(server_);
    server_.deliver_to(client_);
    client_.wait();
    server_.wait();
  }
  [[nodiscard]] bool is_over() const { return client_.is_over() || server_.is_over(); }
  [[nodiscard]] Clock::time_point due() const {
    return std::min(client_.due_at(server_), server_.due_at(client_));
  }

 private:
  End client_;
  End server_;
};

class Relay : public Watched {
 public:
  Relay(EventLoop& loop, std::uint16_t port, std::uint16_t target, Clock::duration delay)
      : loop_(loop), listener_(listen_on(port)), target_(target), delay_(delay) {
    loop_.watch(listener_.get(), EPOLLIN, *this);
  }

  void on_events(std::uint32_t /*events*/) override {
    if (UniqueFd client = accept_from(listener_.get())) {
      pairs_.push_back(
          std::make_unique<Pair>(loop_, std::move(client), connect_to(target_), delay_));
    }
  }

  [[noreturn]] void run() {
    for (;;) {
      auto due = Clock::time_point::max();
      for (const auto& pair : pairs_) due = std::min(due, pair->due());
      loop_.run_once(due);
      for (auto& pair : pairs_) pair->deliver();
      std::erase_if(pairs_, [](const auto& pair) { return pair->is_over(); });
    }
  }

 private:
  EventLoop& loop_;
  UniqueFd listener_;
  std::uint16_t target_;
  Clock::duration delay_;
  std::list<std::unique_ptr<Pair>> pairs_;
};

}  // namespace
}  // namespace reversi::bench

int main(int count, char** arguments) {
  using namespace reversi::bench;
  try {
    if (count != 4)
      throw std::runtime_error("usage: delay-relay LISTEN_PORT TARGET_PORT ONE_WAY_MS");
    const auto number = [&](int i) { return static_cast<std::uint16_t>(std::stoi(arguments[i])); };
    EventLoop loop;
    Relay(loop, number(1), number(2), std::chrono::milliseconds(number(3))).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "delay-relay: %s\n", error.what());
    return EXIT_FAILURE;
  }
}

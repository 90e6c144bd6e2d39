#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "tests/bench/load/pattern.h"
#include "tests/bench/load/stream.h"

/// The streams that a user of the tunnel opens: the other ends of what service.h makes.
namespace reversi::bench {

/// One way bulk data, from begin() until stop() says that it is enough; over when the other end has
/// all.
class BulkStream : public Stream {
 public:
  BulkStream(EventLoop& loop, UniqueFd socket) : Stream(loop, std::move(socket), EPOLLIN) {}
  virtual void begin() = 0;
  void stop() {
    if (is_over()) return;
    is_stopped_ = true;
    shut_down_writing();
    want(EPOLLIN);
  }
  [[nodiscard]] bool ended_early() const { return is_over() && (!is_stopped_ || failed()); }

 private:
  bool is_stopped_ = false;
};

/// Its first byte comes before begin(), to show that the tunnel has opened it.
class Sender : public BulkStream {
 public:
  Sender(EventLoop& loop, UniqueFd socket) : BulkStream(loop, std::move(socket)) {
    carried_ += send(bulk().first(1));
  }
  void begin() override { want(EPOLLIN | EPOLLOUT); }
  void on_events(std::uint32_t events) override {
    if ((events & EPOLLIN) != 0) discard();
    if (!is_over() && (events & EPOLLOUT) != 0) carried_ += send(bulk());
  }
};

class Receiver : public BulkStream {
 public:
  using BulkStream::BulkStream;
  void begin() override { send(bulk().first(1)); }  // which the source waits for
  void on_events(std::uint32_t /*events*/) override { discard(); }
};

/// Round trips of a block, one after the other, until stop(); go_on() starts them again.
class Pinger : public Stream {
 public:
  static constexpr std::size_t kBytes = 64;  // what latency means

  Pinger(EventLoop& loop, UniqueFd socket, std::size_t bytes)
      : Stream(loop, std::move(socket), EPOLLIN), bytes_(bytes) {
    ping();
  }
  void on_events(std::uint32_t /*events*/) override {
    static std::array<char, Pattern::kLongestPart> buffer;
    const auto got = receive(std::span(buffer).first(bytes_ - received_));
    received_ += got;
    carried_ += got;
    if (received_ < bytes_) return;
    took_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - sent_at_).count());
    received_ = 0;
    is_idle_ = is_stopped_;
    if (!is_stopped_) ping();
  }
  /// One round trip is still on its way.
  void stop() { is_stopped_ = true; }
  void go_on() {
    is_stopped_ = false;
    is_idle_ = false;
    ping();
  }
  void leave() {
    if (!is_over()) shut_down_writing();
  }
  [[nodiscard]] bool is_idle() const { return is_idle_; }
  /// Microseconds, in the order they were measured.
  [[nodiscard]] const std::vector<double>& took() const { return took_; }

 private:
  /// The socket's buffer takes a block whole: the last one is back.
  void ping() {
    sent_at_ = Clock::now();
    send(bulk().first(bytes_));
  }

  std::size_t bytes_;
  std::size_t received_ = 0;
  bool is_stopped_ = false;
  bool is_idle_ = false;
  Clock::time_point sent_at_;
  std::vector<double> took_;
};

/// Waits for a greeter's byte, then leaves first.
class Guest : public Stream {
 public:
  Guest(EventLoop& loop, UniqueFd socket) : Stream(loop, std::move(socket), EPOLLIN) {}
  void on_events(std::uint32_t /*events*/) override {
    std::array<char, 1> greeting{};
    if (receive(greeting) == 0) return;
    was_greeted_ = true;
    end();
  }
  [[nodiscard]] bool was_greeted() const { return was_greeted_; }

 private:
  bool was_greeted_ = false;
};

/// Sends the pattern to an echo and compares what comes back.
class Comparer : public Stream {
 public:
  Comparer(EventLoop& loop, UniqueFd socket, std::uint64_t total)
      : Stream(loop, std::move(socket), EPOLLIN | EPOLLOUT), total_(total) {}
  void on_events(std::uint32_t events) override {
    if ((events & EPOLLIN) != 0) compare();
    if (is_over() || (events & EPOLLOUT) == 0) return;
    sent_ += send(pattern().at(sent_, std::min<std::uint64_t>(total_ - sent_, part_.size())));
    if (sent_ < total_) return;
    shut_down_writing();
    want(EPOLLIN);
  }
  [[nodiscard]] bool is_intact() const { return is_intact_; }

 private:
  void compare() {
    const auto part = std::span(part_).first(receive(part_));
    is_intact_ = is_intact_ && pattern().matches(carried_, part);
    carried_ += part.size();
  }

  std::uint64_t total_;
  std::uint64_t sent_ = 0;
  bool is_intact_ = true;
  std::vector<char> part_ = std::vector<char>(Pattern::kLongestPart);
};

}  // namespace reversi::bench

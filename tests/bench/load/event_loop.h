#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "common/io/unique_fd.h"

namespace reversi::bench {

using Clock = std::chrono::steady_clock;

/// Something with a descriptor that the loop tells about events.
class Watched {
 public:
  Watched() = default;
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  virtual ~Watched() = default;

  /// @param events  EPOLLIN, EPOLLOUT …, level-triggered.
  virtual void on_events(std::uint32_t events) = 0;
};

/// epoll in one thread. It owns nothing: a descriptor that is closed leaves it by itself.
class EventLoop {
 public:
  EventLoop();

  void watch(int fd, std::uint32_t events, Watched& watched);
  void change(int fd, std::uint32_t events, Watched& watched);

  /// Waits for events until the deadline, and handles one batch of them.
  void run_once(Clock::time_point deadline);
  /// Handles events until `is_done` says true; false if the deadline came first. `is_done` is asked
  /// after every batch of events.
  bool run_until(
      Clock::time_point deadline, const std::function<bool()>& is_done = [] { return false; });

 private:
  UniqueFd epoll_;
};

}  // namespace reversi::bench

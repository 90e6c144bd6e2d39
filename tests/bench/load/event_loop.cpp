#include "tests/bench/load/event_loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace reversi::bench {
namespace {

constexpr int kBatch = 64;
constexpr std::chrono::milliseconds kLongestWait{1000};

void control(int epoll, int operation, int fd, std::uint32_t events, Watched& watched) {
  epoll_event event{.events = events, .data = {.ptr = &watched}};
  if (::epoll_ctl(epoll, operation, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

}  // namespace

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

void EventLoop::watch(int fd, std::uint32_t events, Watched& watched) {
  control(epoll_.get(), EPOLL_CTL_ADD, fd, events, watched);
}

void EventLoop::change(int fd, std::uint32_t events, Watched& watched) {
  control(epoll_.get(), EPOLL_CTL_MOD, fd, events, watched);
}

void EventLoop::run_once(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  const auto wait = std::clamp(left, std::chrono::milliseconds{0}, kLongestWait);
  std::array<epoll_event, kBatch> batch;
  const int count =
      ::epoll_wait(epoll_.get(), batch.data(), kBatch, static_cast<int>(wait.count()));
  // Whoever closes its descriptor does so in its own on_events(), of which a batch holds one.
  for (int i = 0; i < count; ++i) {
    const auto& event = batch.at(static_cast<std::size_t>(i));
    static_cast<Watched*>(event.data.ptr)->on_events(event.events);
  }
}

bool EventLoop::run_until(Clock::time_point deadline, const std::function<bool()>& is_done) {
  while (!is_done()) {
    if (Clock::now() >= deadline) return false;
    run_once(deadline);
  }
  return true;
}

}  // namespace reversi::bench

#pragma once
// Events one after the other: one that arises while another is handled waits for its turn.

#include <deque>
#include <utility>

namespace reversi::server {

template <class Event>
class EventQueue {
 public:
  /// Handles the event, and those that arise meanwhile. False: it waits for the feed() that is
  /// under way. What `handle` throws comes out here, and then nothing waits any more: whoever goes
  /// on begins with an empty queue that takes events.
  template <class Handle>
  bool feed(Event event, const Handle& handle) {
    waiting_.push_back(std::move(event));
    if (is_busy_) return false;
    const Turn turn(*this);
    while (!waiting_.empty()) {
      const Event next = std::move(waiting_.front());
      waiting_.pop_front();
      handle(next);
    }
    return true;
  }

 private:
  struct Turn {
    explicit Turn(EventQueue& of) : queue(of) { queue.is_busy_ = true; }
    ~Turn() {
      queue.is_busy_ = false;
      queue.waiting_.clear();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    EventQueue& queue;
  };

  std::deque<Event> waiting_;
  bool is_busy_ = false;
};

}  // namespace reversi::server

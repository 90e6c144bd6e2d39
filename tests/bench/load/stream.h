#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/io/unique_fd.h"
#include "tests/bench/load/event_loop.h"

namespace reversi::bench {

/// One connected TCP socket, and what it carried. Over once both ways ended, or after an error.
class Stream : public Watched {
 public:
  Stream(EventLoop& loop, UniqueFd socket, std::uint32_t events);

  [[nodiscard]] bool is_over() const { return !socket_; }
  [[nodiscard]] bool failed() const { return failed_; }

  [[nodiscard]] std::uint64_t carried() const { return carried_; }
  [[nodiscard]] std::uint64_t carried_since_mark() const { return carried_ - at_mark_; }
  [[nodiscard]] bool carried_before_mark() const { return at_mark_ > 0; }
  void mark() { at_mark_ = carried_; }

 protected:
  /// Receives and drops. Ends the stream at its end.
  void discard();
  /// The number of bytes received; 0 if there are none now. Ends the stream at its end.
  std::size_t receive(std::span<char> buffer);
  /// The number of bytes sent; 0 if none can be now. Ends the stream after an error.
  std::size_t send(std::span<const char> data);

  void shut_down_writing();
  void want(std::uint32_t events);
  void end() { socket_.reset(); }
  void fail();

  std::uint64_t carried_ = 0;

 private:
  /// After a recv() that got nothing: 0 at the end, negative with errno set.
  void end_unless_later(std::int64_t got);

  EventLoop& loop_;
  UniqueFd socket_;
  std::uint32_t wanted_;
  std::uint64_t at_mark_ = 0;
  bool failed_ = false;
};

/// Loopback only. The socket does not block once connected.
/// @throws std::system_error
[[nodiscard]] UniqueFd connect_to(std::uint16_t port);
[[nodiscard]] UniqueFd listen_on(std::uint16_t port);
/// An empty one when nobody waits.
[[nodiscard]] UniqueFd accept_from(int listener);

}  // namespace reversi::bench

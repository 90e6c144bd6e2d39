#pragma once
// One SSH session inside Asio's loop: Asio waits on the session's descriptor, libssh works when told.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "client/ssh/handles.h"
#include "common/core/time.h"
#include "common/io/unique_fd.h"

namespace reversi {

/// Owns the session and its socket. Libssh is only ever called from handlers of the loop, and its
/// callbacks (which run inside any call into it, also nested) only mark what has to be done; the
/// work is done in `on_turn`, where no libssh function is on the stack.
///
/// Whoever calls a libssh function outside of on_turn calls settle() afterwards: bytes and window
/// adjusts that libssh could not send at once move only when this loop waits for the socket, and
/// what came in meanwhile (writing polls, too) gets a turn of its own.
class SessionLoop {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// `session` is configured but not connected; this hands it the socket and makes it non-blocking.
  SessionLoop(boost::asio::ip::tcp::socket socket, SshSession session);
  /// Sends DISCONNECT if it can. Every channel must be gone by now.
  ~SessionLoop();
  SessionLoop(const SessionLoop&) = delete;
  SessionLoop& operator=(const SessionLoop&) = delete;

  [[nodiscard]] ssh_session session() { return session_.get(); }
  /// Another descriptor of the same socket; libssh closes its own when the session breaks.
  [[nodiscard]] int socket_fd() { return waiter_.native_handle(); }

  /// Called after libssh has handled what came in.
  void on_turn(std::function<void()> action) { on_turn_ = std::move(action); }

  /// From now on turns poll libssh's event; before, ssh_connect() polls by itself.
  void connected();
  /// Waits for the socket, for writing too if libssh has something to write.
  void settle();
  /// Tries to send what libssh holds. Callbacks may run.
  void flush();
  /// Bytes wait in libssh because the socket takes no more: do not feed it. Its buffer has no bound.
  [[nodiscard]] bool is_congested();
  /// Bytes that went to the socket.
  [[nodiscard]] std::uint64_t bytes_sent() const { return traffic_.out_bytes; }
  /// To be told after data was given to libssh. What neither went out nor waits for the socket is
  /// kept for the end of a key re-exchange, in a queue that has no bound of its own: then the session
  /// is congested until something goes out again.
  /// @param sent_before  bytes_sent() before the data was given.
  void given(std::uint64_t sent_before);
  /// To be told when libssh took nothing of what it was offered, as it does in a key re-exchange that the server
  /// began: the session is congested until something goes out or comes in.
  void took_nothing() { refused_at_ = traffic_.out_bytes + traffic_.in_bytes; }
  /// A turn without waiting for the socket.
  void turn_soon();

  /// The server answered a request after so long.
  void note_answer_after(Millis time);
  /// Of the way to the server: the kernel's estimate, or, where a proxy stands between, the time of the
  /// server's fastest answer. 0 = not known.
  [[nodiscard]] Millis round_trip();

  /// The session broke or was ended by the server. on_turn is called once more after that.
  [[nodiscard]] bool is_over() const { return is_over_; }
  /// Ended by the server (DISCONNECT or end of stream), not broken.
  [[nodiscard]] bool was_closed() const { return was_closed_; }
  [[nodiscard]] const std::string& end_text() const { return end_text_; }

  /// Waits for the next turn. False: the deadline came first. One waiter at a time.
  [[nodiscard]] boost::asio::awaitable<bool> turn_before(Deadline deadline);

  /// Calls a libssh function that answers SSH_AGAIN until it answers something else. One at a
  /// time: it is for the steps of a login, one after the other.
  /// @returns its last answer; SSH_AGAIN if the deadline came first
  [[nodiscard]] boost::asio::awaitable<int> until_done(std::function<int()> call,
                                                       Deadline deadline);

 private:
  [[nodiscard]] bool has_unwritten() const;
  [[nodiscard]] bool wants_to_write() const;
  void turn();
  void wait_to_read();
  void wait_to_write();
  void poll(int most_polls);
  void note_end();

  SshSession session_;
  boost::asio::posix::stream_descriptor waiter_;
  UniqueFd write_fd_;
  boost::asio::posix::stream_descriptor writer_;  // of write_fd_, while it waits
  boost::asio::steady_timer turned_;
  SshEvent event_;
  std::function<void()> on_turn_;
  ssh_counter_struct traffic_{};  // libssh counts what it reads from the socket, and writes to it
  std::optional<std::uint64_t> held_back_at_;  // bytes sent by then
  std::optional<std::uint64_t> refused_at_;    // bytes sent and read by then
  std::optional<Millis> fastest_answer_;
  std::uint64_t bytes_handled_ = 0;  // … of which on_turn has seen the effect
  bool was_refused_ = false;         // is_congested() said yes since the last turn
  bool waits_to_read_ = false;
  bool is_turn_posted_ = false;
  bool is_over_ = false;
  bool is_end_told_ = false;
  bool was_closed_ = false;
  std::string end_text_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  // for handlers that outlive us
};

}  // namespace reversi

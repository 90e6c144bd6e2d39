#pragma once
// One SSH session inside Asio's loop: Asio waits on the session's descriptor, libssh works when told.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "client/ssh/handles.h"

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
  [[nodiscard]] bool is_congested() const;

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
  void turn();
  void turn_soon();
  void wait_for_socket(boost::asio::posix::descriptor_base::wait_type direction, bool& waits);
  void poll(int most_polls);
  void note_end();

  SshSession session_;
  boost::asio::posix::stream_descriptor waiter_;
  boost::asio::steady_timer turned_;
  SshEvent event_;
  std::function<void()> on_turn_;
  ssh_counter_struct traffic_{};     // libssh counts what it reads from the socket
  std::uint64_t bytes_handled_ = 0;  // … of which on_turn has seen the effect
  bool waits_to_read_ = false;
  bool waits_to_write_ = false;
  bool is_turn_posted_ = false;
  bool is_over_ = false;
  bool is_end_told_ = false;
  bool was_closed_ = false;
  std::string end_text_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  // for handlers that outlive us
};

}  // namespace reversi

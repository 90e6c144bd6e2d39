#pragma once
// One SSH channel joined with one local socket, bytes both ways.
//
// Memory is bounded on both ways:
// - channel → socket: libssh's data callback sends straight to the socket, but for packets that follow
//   one of the same channel in a turn: they are joined (RelaySet::join) and sent when the turn ends,
//   for a system call and a wake-up of the reader cost as much as the packet. What the socket does not
//   take stays in libssh's buffer, which the channel's window bounds (receive_window.h), and all of
//   them together the set's limit; of joined packets the rest is kept here. A callback that took
//   nothing is not called again, so the rest is read when the socket can take more, and then all at
//   once: each ssh_channel_read() may open the window for another 1.28 MB, so reading piece by piece
//   would let the buffer grow without end.
// - socket → channel: the socket is read only while libssh has sent everything, and never more than
//   the remote window allows. Whoever has more takes turns with the others, without asking the kernel
//   each time. Only a key re-exchange leaves a tail (one read at most).

#include <memory>
#include <span>
#include <string>

#include <boost/asio/generic/stream_protocol.hpp>
#include <libssh/callbacks.h>

#include "client/core/kept_memory.h"
#include "client/core/receive_window.h"
#include "client/ssh/handles.h"

namespace reversi::worker {

using LocalSocket = boost::asio::generic::stream_protocol::socket;

class RelaySet;

class Relay : public std::enable_shared_from_this<Relay> {
 public:
  /// The channel is open. Nothing is delivered before attach().
  Relay(RelaySet& set, SshChannel channel);
  ~Relay();

  /// The target is connected: bytes flow from now on.
  void attach(LocalSocket socket);
  /// Ends both sides now. Never called from a libssh callback.
  void close();

  // ---- for RelaySet, at the top of the loop only ----
  /// Does what callbacks have marked.
  void service();
  /// Feeds the channel with what one read of the socket gives, if both can.
  void pull();
  /// The user is gone (or ended his direction), and the service has said nothing since that tick.
  [[nodiscard]] bool is_abandoned_since(int tick) const {
    return passed_eof_ && active_tick_ < tick;
  }
  /// No byte has moved since that tick.
  [[nodiscard]] bool rests_since(int tick) const { return active_tick_ < tick; }
  /// pull() would get anywhere: room in the window.
  [[nodiscard]] bool has_window() const;
  [[nodiscard]] bool is_closed() const { return channel_ == nullptr; }
  /// Bytes that wait for the target to read, and what libssh keeps of those that once did.
  [[nodiscard]] std::size_t kept_bytes() const {
    return client::kept_bytes(most_in_library_, pending_.size());
  }
  /// The target has not taken all that there is for it.
  [[nodiscard]] bool has_waiting() const { return has_unread_ || !pending_.empty(); }
  /// Bytes that its window was given beyond libssh's own.
  [[nodiscard]] std::size_t promised_bytes() const {
    return window_.size() - client::ReceiveWindow::kLeast;
  }

 private:
  friend class RelaySet;

  static int on_data(ssh_session session, ssh_channel channel, void* data, uint32_t size,
                     int is_stderr, void* relay);
  static void on_mark(ssh_session session, ssh_channel channel, void* relay);
  static void on_close(ssh_session session, ssh_channel channel, void* relay);

  std::size_t take(const char* data, std::size_t size);
  void take_joined(std::span<const char> data);
  void deliver();
  void widen_window();
  void in_library(std::size_t bytes);
  void note_kept();
  void drain_library();
  void feed(const char* data, std::size_t size);
  bool read_socket();
  void finish_if_done();
  void wait_readable();
  void wait_writable();

  RelaySet& set_;
  SshChannel channel_;
  ssh_channel_callbacks_struct callbacks_{};
  LocalSocket socket_;
  client::ReceiveWindow window_;
  std::size_t most_in_library_ = 0;  // bytes that libssh's buffer held at once
  std::size_t noted_kept_ = 0;       // what the set knows of kept_bytes()
  std::string pending_;              // read from libssh, not yet taken by the socket
  std::size_t pending_sent_ = 0;
  std::string tail_;     // read from the socket, not yet taken by libssh
  int active_tick_ = 0;  // of the set, when bytes last moved
  bool is_attached_ = false;
  bool is_marked_ = false;   // in the set's list of relays to service
  bool is_waiting_ = false;  // in the set's list of relays that want to feed the channel
  bool has_unread_ = true;   // libssh may hold bytes that no callback will tell of again
  bool is_broken_ = false;   // the socket failed
  bool has_passed_ = false;  // enough to look at the window
  bool saw_close_ = false;   // the server closed the channel
  bool saw_local_eof_ = false;
  bool sent_eof_ = false;
  bool passed_eof_ = false;  // the channel's end was told to the socket
  bool waits_readable_ = false;
  bool waits_writable_ = false;
};

}  // namespace reversi::worker

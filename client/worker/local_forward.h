#pragma once

#include <chrono>
#include <list>
#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "client/core/worker_messages.h"
#include "client/worker/relay_set.h"

namespace reversi::worker {

/// The canary: a listener on the node whose connections go through the session to the node's own
/// exposed port (direct-tcpip, RFC 4254, 7.2) and so make the whole loop.
class LocalForward {
 public:
  static constexpr std::size_t kMostOpening = 16;

  LocalForward(SessionLoop& loop, RelaySet& relays, boost::asio::any_io_executor executor);
  ~LocalForward();
  LocalForward(const LocalForward&) = delete;
  LocalForward& operator=(const LocalForward&) = delete;

  /// Listens, or moves the listener; a numeric address or "localhost". Where that cannot be had it
  /// listens on any port of the address, else of 127.0.0.1, and says so. Only the destination
  /// changes if the address is the same.
  [[nodiscard]] client::CanaryReply open(const client::OpenCanary& request);
  /// After every turn of the session.
  void service();

 private:
  /// A connection whose channel the server has not confirmed yet. It stays until then even if the
  /// connection is gone: libssh would not recognise the answer to a channel that it forgot.
  struct Opening {
    LocalSocket socket;
    SshChannel channel;
    Endpoint origin;
  };

  void listen(const boost::asio::ip::tcp::endpoint& endpoint, boost::system::error_code& ec);
  void accept_next();
  void accepted(boost::asio::ip::tcp::socket socket);
  /// True: it is decided, one way or the other.
  bool advance(Opening& opening);

  SessionLoop& loop_;
  RelaySet& relays_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;  // after a failed accept: no descriptor left, say
  Endpoint listen_;                  // as it was asked for
  client::CanaryReply reply_;        // to that
  Endpoint destination_;
  std::list<Opening> opening_;
};

}  // namespace reversi::worker

#include "client/worker/local_forward.h"

#include <utility>

#include "common/io/coro.h"

namespace reversi::worker {

using asio::ip::tcp;
using boost::system::error_code;

constexpr Millis kAcceptPause{200};

LocalForward::LocalForward(SessionLoop& loop, RelaySet& relays, asio::any_io_executor executor)
    : loop_(loop), relays_(relays), acceptor_(executor), pause_(executor) {}

LocalForward::~LocalForward() {
  error_code ignored;
  pause_.cancel();
  acceptor_.close(ignored);
}

client::CanaryReply LocalForward::open(const client::OpenCanary& request) {
  destination_ = request.destination;
  if (acceptor_.is_open() && request.listen == listen_) return reply_;
  listen_ = request.listen;
  error_code ec;
  const std::string host = listen_.host == "localhost" ? "127.0.0.1" : listen_.host;
  const auto address = asio::ip::make_address(host, ec);
  std::string why = ec ? "not a numeric address" : "";
  if (!ec) {
    listen({address, listen_.port}, ec);
    if (ec) why = ec.message();
  }
  reply_ = {};
  if (ec) reply_.error = format_endpoint(listen_) + ": " + why;
  // The canary may be the only judge of the path: better anywhere than not at all.
  if (ec && !address.is_unspecified()) listen({address, 0}, ec);
  if (ec) listen({asio::ip::address_v4::loopback(), 0}, ec);
  if (ec) return reply_;
  reply_.listens = true;
  const auto actual = acceptor_.local_endpoint(ec);
  if (!reply_.error.empty()) reply_.listen = {actual.address().to_string(), actual.port()};
  accept_next();
  return reply_;
}

void LocalForward::listen(const tcp::endpoint& endpoint, error_code& ec) {
  acceptor_.close(ec);
  acceptor_.open(endpoint.protocol(), ec);
  if (!ec) acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(kMostOpening, ec);
  error_code ignored;
  if (ec) acceptor_.close(ignored);
}

void LocalForward::accept_next() {
  acceptor_.async_accept([this](const error_code& ec, tcp::socket socket) {
    if (ec == asio::error::operation_aborted) return;
    if (!ec) {
      accepted(std::move(socket));
      return accept_next();
    }
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const error_code& stopped) {
      if (!stopped) accept_next();
    });
  });
}

void LocalForward::accepted(tcp::socket socket) {
  if (relays_.is_full() || opening_.size() >= kMostOpening || loop_.is_over()) return;
  error_code ec;
  const auto peer = socket.remote_endpoint(ec);
  if (ec) return;
  socket.set_option(tcp::no_delay(true), ec);
  socket.native_non_blocking(true, ec);
  SshChannel channel{ssh_channel_new(loop_.session())};
  if (!channel) return;
  opening_.push_back({LocalSocket(std::move(socket)),
                      std::move(channel),
                      {peer.address().to_string(), peer.port()}});
  service();
  relays_.settle();
}

void LocalForward::service() {
  for (auto at = opening_.begin(); at != opening_.end();) {
    at = advance(*at) ? opening_.erase(at) : std::next(at);
  }
}

bool LocalForward::advance(Opening& opening) {
  const int rc =
      ssh_channel_open_forward(opening.channel.get(), destination_.host.c_str(), destination_.port,
                               opening.origin.host.c_str(), opening.origin.port);
  if (rc == SSH_AGAIN && !loop_.is_over()) return false;
  if (rc == SSH_OK) {
    const auto relay = relays_.add(std::move(opening.channel));
    relay->attach(std::move(opening.socket));
  }
  return true;
}

}  // namespace reversi::worker

#include "client/io/canary.h"

#include <array>

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>

#include "common/io/clock.h"
#include "common/io/coro.h"
#include "common/io/service_probe.h"

namespace reversi::client {
namespace {

using asio::ip::tcp;

event::CanaryDone failed(std::string why) {
  return {false, std::move(why), Millis{0}};
}

/// A refused channel ends in a close; a service that speaks first, or says nothing, is there.
asio::awaitable<bool> stays_open(tcp::socket& socket, Millis limit) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer timer(socket.get_executor(), limit);
  std::array<char, 1> byte{};
  const auto first = co_await (socket.async_read_some(asio::buffer(byte), kAsResult) ||
                               timer.async_wait(kAsResult));
  co_return first.index() == 1 || !std::get<0>(std::get<0>(first));
}

asio::awaitable<event::CanaryDone> talk(tcp::socket& socket, const action::RunCanary& canary) {
  if (canary.expect.kind == Expect::Kind::connect) {
    const bool open = co_await stays_open(socket, canary.stays_open_for);
    co_return open ? event::CanaryDone{true, {}, Millis{0}} : failed("the connection was closed");
  }
  const ProbeAnswer answer = co_await exchange(socket, canary.expect, canary.limit);
  if (answer.outcome == ProbeAnswer::Outcome::match) co_return event::CanaryDone{true, {}, {}};
  co_return failed(answer.reason);
}

}  // namespace

asio::awaitable<event::CanaryDone> run_canary(action::RunCanary canary) {
  using namespace asio::experimental::awaitable_operators;
  boost::system::error_code ec;
  const std::string& host = canary.listen.host;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, ec);
  if (ec) co_return failed(host + " is not an address");
  const MonoTime begin = mono_now();
  tcp::socket socket(co_await asio::this_coro::executor);
  asio::steady_timer timer(socket.get_executor(), canary.limit);
  const auto connected =
      co_await (socket.async_connect(tcp::endpoint(address, canary.listen.port), kAsResult) ||
                timer.async_wait(kAsResult));
  if (connected.index() == 1) co_return failed("no connection within the limit");
  if (const auto& error = std::get<0>(std::get<0>(connected))) co_return failed(error.message());
  event::CanaryDone done = co_await talk(socket, canary);
  done.rtt = mono_now() - begin;
  co_return done;
}

}  // namespace reversi::client

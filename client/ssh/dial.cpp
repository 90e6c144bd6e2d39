#include "client/ssh/dial.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include "common/io/coro.h"

namespace reversi {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr Millis kHeadStart{250};
constexpr std::size_t kMostAddresses = 16;

/// The attempts of one dial(). Shared with the handlers of the sockets, which may outlive it.
struct Race {
  explicit Race(const asio::any_io_executor& executor) : news(executor) {}

  asio::steady_timer news;  // cancelled when an attempt ends
  std::vector<tcp::socket> sockets;
  std::size_t running = 0;
  std::optional<std::size_t> winner;
  error_code last_error;
};

void start_attempt(const std::shared_ptr<Race>& race, const tcp::endpoint& address) {
  const std::size_t index = race->sockets.size();
  race->sockets.emplace_back(race->news.get_executor());
  ++race->running;
  race->sockets[index].async_connect(address, [race, index](const error_code& ec) {
    --race->running;
    if (ec) race->last_error = ec;
    if (!ec && !race->winner) race->winner = index;
    race->news.cancel();
  });
}

asio::awaitable<Result<tcp::socket>> connect_first(std::vector<tcp::endpoint> addresses,
                                                   std::chrono::steady_clock::time_point deadline) {
  const auto race = std::make_shared<Race>(co_await asio::this_coro::executor);
  race->sockets.reserve(addresses.size());  // connecting sockets must not move
  std::size_t next = 0;
  auto may_start = std::chrono::steady_clock::now();
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    if (race->winner) break;
    if (now >= deadline) {
      race->sockets.clear();  // their handlers keep the race, and the kernel would try on for minutes
      co_return fail(Errc::timeout, "no answer in time");
    }
    if (next < addresses.size() && (race->running == 0 || now >= may_start)) {
      start_attempt(race, addresses[next++]);
      may_start = now + kHeadStart;
    } else if (race->running == 0) {
      const bool refused = race->last_error == asio::error::connection_refused;
      const bool late = race->last_error == asio::error::timed_out;
      co_return fail(refused ? Errc::refused
                     : late  ? Errc::timeout
                             : Errc::io,
                     race->last_error.message());
    }
    race->news.expires_at(next < addresses.size() ? std::min(deadline, may_start) : deadline);
    co_await race->news.async_wait(kAsResult);
  }
  tcp::socket socket = std::move(race->sockets[*race->winner]);
  race->sockets.clear();
  co_return socket;
}

asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(
    const Endpoint& to, std::chrono::steady_clock::time_point deadline) {
  using namespace asio::experimental::awaitable_operators;
  error_code not_numeric;
  const auto address = asio::ip::make_address(to.host, not_numeric);
  // A numeric address needs no resolver, and so no thread.
  if (!not_numeric) co_return std::vector{tcp::endpoint{address, to.port}};
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  asio::steady_timer timer(executor, deadline);
  auto done = co_await (resolver.async_resolve(to.host, std::to_string(to.port),
                                               tcp::resolver::numeric_service, kAsResult) ||
                        timer.async_wait(kAsResult));
  if (done.index() == 1) co_return fail(Errc::timeout, "the name was not resolved in time");
  const auto& [ec, found] = std::get<0>(done);
  if (ec) co_return fail(Errc::not_found, "the name cannot be resolved: " + ec.message());
  std::vector<tcp::endpoint> addresses;
  for (const auto& entry : found) {
    if (addresses.size() < kMostAddresses) addresses.push_back(entry.endpoint());
  }
  co_return addresses;
}

}  // namespace

asio::awaitable<Result<Dialed>> dial(Endpoint to, Millis limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  auto addresses = co_await resolve(to, deadline);
  if (!addresses) co_return fail(addresses.error());
  auto socket = co_await connect_first(*std::move(addresses), deadline);
  if (!socket) co_return fail(socket.error());
  error_code ec;
  socket->set_option(tcp::no_delay(true), ec);
  socket->set_option(asio::socket_base::keep_alive(true), ec);
  socket->native_non_blocking(true, ec);
  const auto peer = socket->remote_endpoint(ec);
  if (ec) co_return fail(Errc::io, ec.message());
  co_return Dialed{*std::move(socket), Endpoint{peer.address().to_string(), peer.port()}};
}

}  // namespace reversi

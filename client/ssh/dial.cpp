#include "client/ssh/dial.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/this_coro.hpp>

#include "common/io/coro.h"
#include "common/io/platform.h"

namespace reversi {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using TimePoint = std::chrono::steady_clock::time_point;

constexpr Millis kHeadStart{250};
/// A kernel that got no answer asks again after 1, 2, 4, 8 s: as long a path that is back stays
/// unseen. So all addresses are asked anew this often, while the older attempts go on: on a slow
/// path theirs is the answer that comes.
constexpr Millis kAskAnewEvery{5000};
constexpr std::size_t kMostAddresses = 16;
/// The last resort where neither heartbeats nor a canary see that the path is gone: 7 minutes, where
/// a system's default is more than 2 hours. Heartbeats come more often, so it costs no byte beside them.
constexpr int kKeepAliveIdleS = 300;
constexpr int kKeepAliveEveryS = 30;
constexpr int kKeepAliveCount = 4;

/// @errors  in_progress  neither connected nor failed
error_code connect_result(tcp::socket& socket) {
  pollfd writable{socket.native_handle(), POLLOUT, 0};
  if (::poll(&writable, 1, 0) != 1) return asio::error::in_progress;
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size);
  return {error, boost::system::system_category()};
}

/// Begins to connect and asks at once whether that is done, as it is with every service on this
/// machine: a turn of the loop would cost more than the connection.
error_code begin_connect(tcp::socket& socket, const tcp::endpoint& address) {
  error_code ec;
  socket.open(address.protocol(), ec);
  if (!ec) socket.native_non_blocking(true, ec);
  if (ec) return ec;
  const auto size = static_cast<socklen_t>(address.size());
  if (::connect(socket.native_handle(), address.data(), size) == 0) return {};
  if (errno != EINPROGRESS) return {errno, boost::system::system_category()};
  return connect_result(socket);
}

/// One question to the resolver. Shared with its handler: getaddrinfo() cannot be interrupted, so the
/// answer may come long after anybody waits for it.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), news(executor) {}

  tcp::resolver resolver;
  asio::steady_timer news;  // cancelled when the answer is there
  bool is_answered = false;
  error_code error;
  tcp::resolver::results_type found;
};

/// The attempts of one dial(). Shared with the handlers of the sockets, which may outlive it.
struct Race {
  explicit Race(const asio::any_io_executor& executor) : news(executor) {}

  asio::steady_timer news;          // cancelled when an attempt ends
  std::deque<tcp::socket> sockets;  // connecting sockets must not move
  std::size_t running = 0;
  std::optional<std::size_t> winner;
  error_code last_error;
};

void end_attempt(Race& race, std::size_t index, const error_code& ec) {
  if (ec) race.last_error = ec;
  if (!ec && !race.winner) race.winner = index;
}

void await_attempt(const std::shared_ptr<Race>& race, std::size_t index) {
  race->sockets[index].async_wait(tcp::socket::wait_write, [race, index](const error_code& ec) {
    if (race->sockets.empty()) return;  // the race is over
    const error_code result = ec ? ec : connect_result(race->sockets[index]);
    if (result == asio::error::in_progress) return await_attempt(race, index);
    --race->running;
    end_attempt(*race, index, result);
    race->news.cancel();
  });
}

void start_attempt(const std::shared_ptr<Race>& race, const tcp::endpoint& address) {
  const std::size_t index = race->sockets.size();
  tcp::socket& socket = race->sockets.emplace_back(race->news.get_executor());
  const error_code begun = begin_connect(socket, address);
  if (begun != asio::error::in_progress) return end_attempt(*race, index, begun);
  ++race->running;
  await_attempt(race, index);
}

/// Whose turn it is, and when: the addresses one after the other, and all of them anew.
struct Turns {
  std::size_t count;
  std::size_t next = 0;
  TimePoint may_start = std::chrono::steady_clock::now();
  TimePoint next_round = may_start + kAskAnewEvery;

  bool is_due(TimePoint now, bool is_idle) {
    if (now >= next_round) {
      next = 0;
      next_round = now + kAskAnewEvery;
    }
    return next < count && (is_idle || now >= may_start);
  }
  std::size_t take(TimePoint now) {
    may_start = now + kHeadStart;
    return next++;
  }
  [[nodiscard]] TimePoint due_at() const { return next < count ? may_start : next_round; }
};

Errc kind_of(const error_code& ec) {
  if (ec == asio::error::connection_refused) return Errc::refused;
  return ec == asio::error::timed_out ? Errc::timeout : Errc::io;
}

asio::awaitable<Result<tcp::socket>> connect_first(std::vector<tcp::endpoint> addresses,
                                                   TimePoint deadline) {
  const auto race = std::make_shared<Race>(co_await asio::this_coro::executor);
  Turns turns{addresses.size()};
  while (!race->winner) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) {
      // Their handlers keep the race, and the kernel would try on for minutes.
      race->sockets.clear();
      co_return fail(Errc::timeout, "no answer in time");
    }
    if (turns.is_due(now, race->running == 0)) {
      start_attempt(race, addresses[turns.take(now)]);
      if (race->winner || race->running == 0) continue;  // answered or failed at once
    } else if (race->running == 0) {
      co_return fail(kind_of(race->last_error), race->last_error.message());
    }
    race->news.expires_at(std::min(deadline, turns.due_at()));
    co_await race->news.async_wait(kAsResult);
  }
  tcp::socket socket = std::move(race->sockets[*race->winner]);
  race->sockets.clear();
  co_return socket;
}

}  // namespace

asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(Endpoint to, TimePoint deadline) {
  error_code not_numeric;
  const auto address = asio::ip::make_address(to.host, not_numeric);
  if (!not_numeric) co_return std::vector{tcp::endpoint{address, to.port}};
  const auto lookup = std::make_shared<Lookup>(co_await asio::this_coro::executor);
  lookup->news.expires_at(deadline);
  lookup->resolver.async_resolve(to.host, std::to_string(to.port), tcp::resolver::numeric_service,
                                 [lookup](const error_code& ec, tcp::resolver::results_type found) {
                                   lookup->is_answered = true;
                                   lookup->error = ec;
                                   lookup->found = std::move(found);
                                   lookup->news.cancel();
                                 });
  co_await lookup->news.async_wait(kAsResult);
  if (!lookup->is_answered) {
    lookup->resolver.cancel();  // one that is still in line behind another is not even begun
    co_return fail(Errc::timeout, "the name was not resolved in time");
  }
  if (lookup->error) {
    co_return fail(Errc::not_found, "the name cannot be resolved: " + lookup->error.message());
  }
  std::vector<tcp::endpoint> addresses;
  for (const auto& entry : lookup->found) {
    if (addresses.size() < kMostAddresses) addresses.push_back(entry.endpoint());
  }
  co_return addresses;
}

asio::awaitable<Result<Dialed>> dial(Endpoint to, Millis limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  auto addresses = co_await resolve(to, deadline);
  if (!addresses) co_return fail(addresses.error());
  auto socket = co_await connect_first(*std::move(addresses), deadline);
  if (!socket) co_return fail(socket.error());
  error_code ec;
  socket->set_option(tcp::no_delay(true), ec);
  keep_tcp_alive(socket->native_handle(), kKeepAliveIdleS, kKeepAliveEveryS, kKeepAliveCount);
  const auto peer = socket->remote_endpoint(ec);
  if (ec) co_return fail(Errc::io, ec.message());
  co_return Dialed{*std::move(socket), Endpoint{peer.address().to_string(), peer.port()}};
}

}  // namespace reversi

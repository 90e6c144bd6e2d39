#include "server/io/port_holder.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "common/core/backoff.h"
#include "common/io/clock.h"
#include "common/io/coro.h"
#include "server/core/eviction.h"
#include "server/io/listeners.h"
#include "server/io/sshd_process.h"

namespace reversi::server {
namespace {

using asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;

constexpr Millis kLookAtHolderEvery{10};
constexpr Millis kConnectLimit{100};
constexpr Millis kSettle{150};  // the woken sshd has run by then
constexpr int kMostRestMs = 200;

asio::awaitable<void> pause(Millis time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(kAsResult);
}

/// Connects to localhost and hangs up.
asio::awaitable<void> knock(Family family, Port port) {
  const asio::ip::address to = family == Family::v4
                                   ? asio::ip::address(asio::ip::address_v4::loopback())
                                   : asio::ip::address(asio::ip::address_v6::loopback());
  tcp::socket socket(co_await asio::this_coro::executor);
  asio::steady_timer limit(socket.get_executor(), kConnectLimit);
  co_await (socket.async_connect({to, port}, kAsResult) || limit.async_wait(kAsResult));
}

/// @param rest  Between the looks without knocking: another one each round, so that nobody's own rhythm keeps time
/// with ours.
asio::awaitable<HolderGuess> play_round(Family family, Port port, uid_t uid, Millis rest) {
  HolderRound round;
  round.began = childless_sshds(uid);
  co_await pause(kHolderConnects * kLookAtHolderEvery + kSettle +
                 rest);  // no shorter than the knocking
  round.left_alone = childless_sshds(uid);
  for (int i = 0; i < kHolderConnects; ++i) {
    co_await knock(family, port);
    co_await pause(kLookAtHolderEvery);  // one wake-up each, not one for all
  }
  co_await pause(kSettle);
  round.knocked = childless_sshds(uid);
  co_return guess_holder(round);
}

}  // namespace

std::vector<Port> held_ports(const std::vector<Port>& ports, uid_t uid) {
  std::vector<Port> held;
  const auto listeners = listeners_on(ports);
  if (!listeners) return held;
  for (const Listener& listener : *listeners) {
    const bool is_ours = listener.uid == uid && listener.takes_localhost;
    if (is_ours && std::ranges::count(held, listener.port) == 0) held.push_back(listener.port);
  }
  return held;
}

std::vector<Port> wait_until_free(const std::vector<Port>& ports, uid_t uid, Millis limit) {
  const MonoTime deadline = mono_now() + limit;
  for (;;) {
    auto held = held_ports(ports, uid);
    if (held.empty() || mono_now() >= deadline) return held;
    ::poll(nullptr, 0, static_cast<int>(kLookAtHolderEvery.count()));
  }
}

asio::awaitable<std::optional<ProcessId>> search_port_holder(Port port, uid_t uid) {
  const auto listeners = listeners_on({port});
  if (!listeners) co_return std::nullopt;
  const auto held = std::ranges::find_if(*listeners, [&](const Listener& listener) {
    return listener.uid == uid && listener.takes_localhost;
  });
  if (held == listeners->end()) co_return std::nullopt;
  std::optional<ProcessId> holder;
  int needed = kSureRounds;
  for (int rounds = 0; rounds < needed; ++rounds) {
    const auto rest_ms = static_cast<int>(
        kMostRestMs * unit_hash(std::to_string(::getpid()), static_cast<std::uint64_t>(rounds)));
    const HolderGuess guess = co_await play_round(held->family, port, uid, Millis{rest_ms});
    if (!guess.holder || (holder && guess.holder != holder)) co_return std::nullopt;
    holder = guess.holder;
    if (guess.is_doubtful) needed = kDoubtfulRounds;
  }
  co_return holder;
}

std::optional<ProcessId> find_port_holder(Port port, uid_t uid) {
  asio::io_context loop{1};
  std::optional<ProcessId> holder;
  asio::co_spawn(loop, search_port_holder(port, uid),
                 [&](const std::exception_ptr& failed, std::optional<ProcessId> found) {
                   if (!failed) holder = found;
                 });
  loop.run();
  return holder;
}

std::string agentless_text(const ProcessId& sshd, Port port, const Result<void>& ended) {
  const std::string text = "a session without an agent, sshd " + std::to_string(sshd.pid) +
                           ": it held port " + std::to_string(port);
  return ended ? text : text + ": " + ended.error().line();
}

}  // namespace reversi::server

#include "server/io/port_holder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "common/core/backoff.h"
#include "common/io/clock.h"
#include "common/io/unique_fd.h"
#include "server/core/eviction.h"
#include "server/io/listeners.h"
#include "server/io/sshd_process.h"

namespace reversi::server {
namespace {

constexpr int kLookMs = 10;
constexpr int kConnectMs = 100;
constexpr int kSettleMs = 150;  // the woken sshd has run by then
constexpr int kMostRestMs = 200;

/// Connects to localhost and hangs up.
void knock(Family family, Port port) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = in6addr_loopback;
  const bool is_v4 = family == Family::v4;
  const auto* address =
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  const socklen_t size = is_v4 ? sizeof v4 : sizeof v6;
  const UniqueFd fd{
      ::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd || ::connect(fd.get(), address, size) == 0 || errno != EINPROGRESS) return;
  pollfd connected{fd.get(), POLLOUT, 0};
  ::poll(&connected, 1, kConnectMs);
}

/// @param rest_ms  Between the looks without knocking: another one each round, so that nobody's own rhythm keeps time
/// with ours.
HolderGuess play_round(Family family, Port port, uid_t uid, int rest_ms) {
  HolderRound round;
  round.began = childless_sshds(uid);
  ::poll(nullptr, 0,
         kHolderConnects * kLookMs + kSettleMs + rest_ms);  // no shorter than the knocking
  round.left_alone = childless_sshds(uid);
  for (int i = 0; i < kHolderConnects; ++i) {
    knock(family, port);
    ::poll(nullptr, 0, kLookMs);  // one wake-up each, not one for all
  }
  ::poll(nullptr, 0, kSettleMs);
  round.knocked = childless_sshds(uid);
  return guess_holder(round);
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
    ::poll(nullptr, 0, kLookMs);
  }
}

std::optional<ProcessId> find_port_holder(Port port, uid_t uid) {
  const auto listeners = listeners_on({port});
  if (!listeners) return std::nullopt;
  const auto held = std::ranges::find_if(*listeners, [&](const Listener& listener) {
    return listener.uid == uid && listener.takes_localhost;
  });
  if (held == listeners->end()) return std::nullopt;
  std::optional<ProcessId> holder;
  int needed = kSureRounds;
  for (int rounds = 0; rounds < needed; ++rounds) {
    const auto rest_ms = static_cast<int>(
        kMostRestMs * unit_hash(std::to_string(::getpid()), static_cast<std::uint64_t>(rounds)));
    const HolderGuess guess = play_round(held->family, port, uid, rest_ms);
    if (!guess.holder || (holder && guess.holder != holder)) return std::nullopt;
    holder = guess.holder;
    if (guess.is_doubtful) needed = kDoubtfulRounds;
  }
  return holder;
}

}  // namespace reversi::server

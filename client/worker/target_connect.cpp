#include "client/worker/target_connect.h"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>

#include "client/ssh/dial.h"
#include "common/io/coro.h"
#include "common/io/system_error.h"

namespace reversi::worker {
namespace {

constexpr Millis kBacklogPause{20};

TargetOutcome outcome_of(Errc code) {
  switch (code) {
    case Errc::refused:
      return TargetOutcome::refused;
    case Errc::timeout:
      return TargetOutcome::timeout;
    default:
      return TargetOutcome::unreachable;
  }
}

asio::awaitable<Result<LocalSocket>> connect_unix(const UnixPath& target, Millis limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  const auto executor = co_await asio::this_coro::executor;
  asio::local::stream_protocol::socket socket(executor);
  asio::steady_timer timer(executor);
  for (;;) {
    const auto [ec] = co_await socket.async_connect({target.path}, kAsResult);
    if (!ec) break;
    // A unix socket never waits: EAGAIN says that its backlog is full just now.
    if (ec != asio::error::would_block && ec != asio::error::try_again) {
      co_return fail(errno_error(ec.value(), "connect"));
    }
    if (std::chrono::steady_clock::now() >= deadline)
      co_return fail(Errc::timeout, "its backlog is full");
    timer.expires_after(kBacklogPause);
    co_await timer.async_wait(kAsResult);
  }
  socket.native_non_blocking(true);
  co_return LocalSocket(std::move(socket));
}

asio::awaitable<Result<LocalSocket>> connect_any(const Target& target, Millis limit) {
  if (const auto* path = std::get_if<UnixPath>(&target))
    co_return co_await connect_unix(*path, limit);
  auto dialed = co_await dial(std::get<Endpoint>(target), limit);
  if (!dialed) co_return fail(std::move(dialed).error());
  co_return LocalSocket(std::move(dialed->socket));
}

}  // namespace

asio::awaitable<TargetConnection> connect_target(Target target, Millis limit) {
  // Every co_await stands alone: g++ 12 destroys the parts of a braced value around one twice.
  const auto executor = co_await asio::this_coro::executor;
  auto socket = co_await connect_any(target, limit);
  if (socket) co_return TargetConnection{TargetOutcome::ok, {}, *std::move(socket)};
  const TargetOutcome outcome = outcome_of(socket.error().code());
  std::string error = std::move(socket).error().in(format_target(target)).line();
  co_return TargetConnection{outcome, std::move(error), LocalSocket(executor)};
}

}  // namespace reversi::worker

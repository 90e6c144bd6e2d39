#pragma once
// The few Asio words that every coroutine here uses. Include only from .cpp files and from headers
// of classes that own a loop.

#include <exception>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace reversi {

namespace asio = boost::asio;

/// `const auto [ec, size] = co_await stream.async_read_some(buffer, kAsResult);`
inline constexpr auto kAsResult = asio::as_tuple(asio::use_awaitable);

/// For co_spawn: an exception leaves run() and ends the process, which is then started again. With
/// asio::detached it would vanish, and with it whatever the coroutine was there for.
inline constexpr auto kOrThrow = [](const std::exception_ptr& failed) {
  if (failed) std::rethrow_exception(failed);
};

/// `if (is_ended(co_await asio::this_coro::cancellation_state)) co_return …;` before each wait, but for the first, of a coroutine
/// that stands in `a || b`: what it waited for may have come just when the other one ended it, and its next wait would throw.
inline bool is_ended(const asio::cancellation_state& state) {
  return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace reversi

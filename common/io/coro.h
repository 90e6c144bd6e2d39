#pragma once
// The few Asio words that every coroutine here uses. Include only from .cpp files and from headers
// of classes that own a loop.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace reversi {

namespace asio = boost::asio;

/// `const auto [ec, size] = co_await stream.async_read_some(buffer, kAsResult);`
inline constexpr auto kAsResult = asio::as_tuple(asio::use_awaitable);

}  // namespace reversi

#pragma once

#include <boost/asio/awaitable.hpp>

#include "client/core/tunnel.h"

namespace reversi::client {

/// Sends bytes through the whole loop and wants them back: connects to the canary's listener on this
/// node and judges the answer by the forward's expect, all within the limit. Where nothing is
/// expected but a connection, the connection has to stay open for a moment: the listener itself
/// always accepts.
[[nodiscard]] boost::asio::awaitable<event::CanaryDone> run_canary(action::RunCanary canary);

}  // namespace reversi::client

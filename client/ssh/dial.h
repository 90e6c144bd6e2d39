#pragma once
// TCP to a name: every address gets its chance.

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "common/core/error.h"
#include "common/core/names.h"
#include "common/core/time.h"

namespace reversi {

/// The addresses of a name, 16 at most; a numeric one needs no resolver, and so no thread.
/// @errors  not_found  the name has no address;  timeout
[[nodiscard]] boost::asio::awaitable<Result<std::vector<boost::asio::ip::tcp::endpoint>>> resolve(
    Endpoint to, std::chrono::steady_clock::time_point deadline);

struct Dialed {
  boost::asio::ip::tcp::socket socket;
  Endpoint address;  ///< the numeric address that answered
};

/// Resolves `to` and connects. The addresses start in turn, each with a head start of 250 ms over
/// the next, and the first that answers is taken, so a dead address family costs no more than that.
/// Without an answer all are asked anew every 5 s, so that a path that comes back is found soon.
/// `limit` is for all of it. The socket has TCP_NODELAY and keep-alive, which ends a connection
/// 7 minutes after the path of an idle one died, and does not block.
/// A resolver that hangs is not waited for here, but it goes on in Asio's thread, which the end of the
/// io_context would wait for: then the process should leave by _exit().
/// @errors  not_found  the name has no address
///          refused    the last address refused
///          timeout    none answered in time
///          io         unreachable
[[nodiscard]] boost::asio::awaitable<Result<Dialed>> dial(Endpoint to, Millis limit);

}  // namespace reversi

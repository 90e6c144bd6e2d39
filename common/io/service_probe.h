#pragma once
// Connect, send, read under a deadline: what the canary (on the node) and the prober (on the
// server) have in common.

#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "common/core/expect.h"
#include "common/core/time.h"

namespace reversi {

struct ProbeAnswer {
  enum class Outcome {
    match,     ///< the expected answer came
    mismatch,  ///< another answer came, or the peer closed first
    silence,   ///< nothing decisive came within the limit
    broken,    ///< reset while waiting
  };
  Outcome outcome = Outcome::silence;
  std::string reason;  ///< one line; empty on match
  Millis elapsed{0};   ///< from the call to the decision
};

/// Sends the request of `expect` on a connected socket and judges what comes back, for at most
/// `limit`. Reads at most 8 KiB. A `connect` expectation matches at once. Leaves the socket open.
[[nodiscard]] boost::asio::awaitable<ProbeAnswer> exchange(boost::asio::ip::tcp::socket& socket,
                                                           const Expect& expect, Millis limit);

}  // namespace reversi

#pragma once

#include <boost/asio/awaitable.hpp>

#include "client/worker/relay.h"
#include "common/core/names.h"
#include "common/core/protocol.h"
#include "common/core/time.h"

namespace reversi::worker {

struct TargetConnection {
  TargetOutcome outcome = TargetOutcome::unreachable;
  std::string error;   ///< one line that names the target; empty when ok
  LocalSocket socket;  ///< connected when ok
};

/// Connects to a forward's target: every address of host:port, or a unix-domain socket.
[[nodiscard]] boost::asio::awaitable<TargetConnection> connect_target(Target target, Millis limit);

}  // namespace reversi::worker

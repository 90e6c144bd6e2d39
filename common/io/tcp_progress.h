#pragma once

#include <optional>

#include "common/core/liveness.h"
#include "common/core/time.h"

namespace reversi {

/// TCP_INFO of one of our own connected sockets: bytes received, bytes acknowledged by the peer's
/// kernel, and whether anything of ours is unsent or unacknowledged. Nothing for a socket that is
/// not TCP, or is closed.
[[nodiscard]] std::optional<ProgressSample> tcp_progress(int socket_fd);

/// The kernel's smoothed round trip of such a socket, in whole milliseconds; 0 when it has none.
[[nodiscard]] Millis tcp_round_trip(int socket_fd);

}  // namespace reversi

#pragma once

#include <optional>

#include "common/core/liveness.h"

namespace reversi {

/// TCP_INFO of one of our own connected sockets: bytes received, bytes acknowledged by the peer's
/// kernel, and whether anything of ours is unsent or unacknowledged. Nothing for a socket that is
/// not TCP, or is closed.
[[nodiscard]] std::optional<ProgressSample> tcp_progress(int socket_fd);

}  // namespace reversi

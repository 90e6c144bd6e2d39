#pragma once

#include <cstdint>

#include <libssh/libssh.h>

namespace reversi {

/// Lets the server send `bytes` on the channel before it is told of more room. May run callbacks, of
/// any channel. A libssh from 0.11 on opens a fixed 2 MiB and does not listen.
///
/// libssh 0.10 opens the window to what a read asks for. This one asks for stderr, of which a channel
/// of a forward has none: nothing can be read, and the asking is all that is done. A server that sends
/// some before the channel's callbacks are there to take it is given no wider window.
inline void open_receive_window(ssh_channel channel, std::uint32_t bytes) {
  if (ssh_channel_poll(channel, 1) != 0) return;
  char nothing = 0;
  ssh_channel_read_timeout(channel, &nothing, bytes, 1, 0);
}

}  // namespace reversi

#pragma once

namespace reversi {

/// Whether a connection's own address is gone from this machine while its peer is reached from
/// another one by now. Then nothing that the peer sends can arrive any more, however long one waits.
/// False in doubt: without any way to the peer, the address may well come back with the network.
[[nodiscard]] bool has_lost_address(int socket_fd);

}  // namespace reversi

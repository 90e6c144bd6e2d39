#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "common/io/tcp_progress.h"

namespace reversi {

std::optional<ProgressSample> tcp_progress(int socket_fd) {
  tcp_connection_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket_fd, IPPROTO_TCP, TCP_CONNECTION_INFO, &info, &size) != 0) {
    return std::nullopt;
  }
  // Nothing tells what was acknowledged. Bytes leave the send buffer by nothing else: what was sent less what is
  // still there grows by an acknowledgement, or once by the few bytes that were written and not yet sent. What was
  // sent again counts as sent once more (tcp_output.c), and on a dead path nothing else happens: it is no progress.
  const std::uint64_t waiting = info.tcpi_snd_sbbytes;
  const std::uint64_t not_new = waiting + info.tcpi_txretransmitbytes;
  return ProgressSample{.bytes_received = info.tcpi_rxbytes,
                        .bytes_acked = info.tcpi_txbytes > not_new ? info.tcpi_txbytes - not_new : 0,
                        .has_unacked = waiting > 0};
}

Millis tcp_round_trip(int socket_fd) {
  tcp_connection_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket_fd, IPPROTO_TCP, TCP_CONNECTION_INFO, &info, &size) != 0) return Millis{0};
  return Millis{info.tcpi_srtt};
}

}  // namespace reversi

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/io/tcp_progress.h"

namespace reversi {

std::optional<ProgressSample> tcp_progress(int socket_fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket_fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  int unacked = 0;  // SIOCOUTQ: bytes in the send queue, unsent or unacknowledged
  if (::ioctl(socket_fd, SIOCOUTQ, &unacked) != 0) unacked = 0;
  return ProgressSample{.bytes_received = info.tcpi_bytes_received,
                        .bytes_acked = info.tcpi_bytes_acked,
                        .has_unacked = unacked > 0};
}

Millis tcp_round_trip(int socket_fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket_fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return Millis{0};
  return std::chrono::duration_cast<Millis>(std::chrono::microseconds{info.tcpi_rtt});
}

}  // namespace reversi

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/io/platform.h"
#include "common/io/system_error.h"

namespace reversi {

const char* const kSystemLogSocket = "/dev/log";

UniqueFd open_socket(int domain, int type) {
  return UniqueFd{::socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

Result<Pipe> open_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error(errno, "pipe"));
  return Pipe{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

void keep_tcp_alive(int socket_fd, int idle_s, int every_s, int count) {
  const int on = 1;
  ::setsockopt(socket_fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket_fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(socket_fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
  ::setsockopt(socket_fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

ssize_t send_now(int socket_fd, std::string_view bytes) {
  return ::send(socket_fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace reversi

// macOS sets close-on-exec in a second call; this program has one thread that forks, so nothing comes between.

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

const char* const kSystemLogSocket = "/var/run/syslog";

UniqueFd open_socket(int domain, int type) {
  UniqueFd fd{::socket(domain, type, 0)};
  const int on = 1;
  const bool ok = fd && ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) == 0 &&
                  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK) == 0 &&
                  ::setsockopt(fd.get(), SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) == 0;
  return ok ? std::move(fd) : UniqueFd{};
}

Result<Pipe> open_pipe() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return fail(errno_error(errno, "pipe"));
  Pipe pipe{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  for (const int end : ends) {
    if (::fcntl(end, F_SETFD, FD_CLOEXEC) != 0) return fail(errno_error(errno, "pipe"));
  }
  return pipe;
}

void keep_tcp_alive(int socket_fd, int idle_s, int every_s, int count) {
  const int on = 1;
  ::setsockopt(socket_fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket_fd, IPPROTO_TCP, TCP_KEEPALIVE, &idle_s, sizeof idle_s);
  ::setsockopt(socket_fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
  ::setsockopt(socket_fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

ssize_t send_now(int socket_fd, std::string_view bytes) {
  return ::send(socket_fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
}

}  // namespace reversi

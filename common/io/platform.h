#pragma once
// What differs between systems around descriptors and the system logger: platform_linux.cpp, platform_darwin.cpp.

#include <sys/types.h>

#include <string_view>

#include "common/core/error.h"
#include "common/io/unique_fd.h"

namespace reversi {

/// Non-blocking, and closed on exec. Not open on an error, which errno then is.
[[nodiscard]] UniqueFd open_socket(int domain, int type);

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
/// Blocking, and closed on exec.
[[nodiscard]] Result<Pipe> open_pipe();

/// Without waiting, and without SIGPIPE. As send(2) returns.
[[nodiscard]] ssize_t send_now(int socket_fd, std::string_view bytes);

/// Has the kernel ask the peer of a TCP connection that is idle for `idle_s` every `every_s`, and end
/// the connection after `count` questions without an answer.
void keep_tcp_alive(int socket_fd, int idle_s, int every_s, int count);

/// Where the system logger listens.
extern const char* const kSystemLogSocket;

}  // namespace reversi

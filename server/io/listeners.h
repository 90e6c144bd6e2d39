#pragma once
// Who listens on a port of this machine. An unprivileged process sees owner and inode of every
// listening socket, but not the process behind it.

#include <sys/types.h>

#include <cstdint>
#include <iosfwd>
#include <vector>

#include "common/core/error.h"
#include "common/core/names.h"

namespace reversi::server {

enum class Family { v4, v6 };

struct Listener {
  Family family = Family::v4;
  /// It receives connections to 127.0.0.1 (v4) or ::1 (v6); one on another address is nobody's
  /// business here.
  bool takes_localhost = false;
  Port port = 0;
  uid_t uid = 0;
  std::uint64_t inode = 0;

  friend bool operator==(const Listener&, const Listener&) = default;
};

/// Every listening TCP socket on one of `ports`, IPv4 first. A `::` listener that also takes IPv4
/// appears once, as v6: that it does cannot be seen from outside.
/// @errors  io  the kernel's table cannot be read; a missing IPv6 table is no error
[[nodiscard]] Result<std::vector<Listener>> listeners_on(const std::vector<Port>& ports);

/// The listening sockets in the text of /proc/net/tcp or tcp6. The kernel lists all of them before
/// the first connection, and reading stops there: a busy server's table is megabytes. Rows that do
/// not parse are skipped.
[[nodiscard]] std::vector<Listener> parse_listeners(std::istream& table, Family family,
                                                    const std::vector<Port>& ports);

}  // namespace reversi::server

#pragma once
// A throw-away sshd on a free loopback port: each connection is served by `sshd -i` with a
// configuration of our choice, so that not a word of Port or ListenAddress in it matters. It ends with
// this object, and with us.

#include <sys/types.h>

#include <string>

#include "common/core/error.h"
#include "common/core/names.h"
#include "common/io/unique_fd.h"

namespace reversi::server {

/// sshd's path, absolute as it wants to be called.
/// @errors  not_found
[[nodiscard]] Result<std::string> find_sshd();

class TrialSshd {
 public:
  /// @param log  sshd writes there, one file for all connections.
  [[nodiscard]] static Result<TrialSshd> start(const std::string& sshd, const std::string& config,
                                               const std::string& log);
  TrialSshd(TrialSshd&& other) noexcept;
  TrialSshd& operator=(TrialSshd&&) = delete;
  ~TrialSshd();

  [[nodiscard]] Port port() const { return port_; }

 private:
  TrialSshd(pid_t acceptor, Port port) : acceptor_(acceptor), port_(port) {}

  pid_t acceptor_;
  Port port_;
};

/// A TCP port of 127.0.0.1 on which nobody listens now, and a listener on it if wanted.
struct TrialPort {
  UniqueFd listener;
  Port port = 0;
};
[[nodiscard]] Result<TrialPort> listen_on_free_port();

}  // namespace reversi::server

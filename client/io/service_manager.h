#pragma once
// What the service manager is told by sd_notify(3): that we run, how the tunnel is, that we do not hang. One datagram
// each to $NOTIFY_SOCKET, and nothing where there is none.

#include <optional>
#include <string>

#include "common/core/time.h"
#include "common/io/unique_fd.h"

namespace reversi::client {

class ServiceManager {
 public:
  /// Of the environment, which then forgets it: the worker is not the service.
  [[nodiscard]] static ServiceManager from_environment();

  /// Once the manager took it, no more is said.
  void ready();
  void stopping();
  /// One line for people; sent if it differs from the last.
  void status(const std::string& line);
  /// We do not hang.
  void alive();
  /// How often alive() is wanted: half of what $WATCHDOG_USEC allows.
  [[nodiscard]] std::optional<Millis> alive_every() const { return alive_every_; }

 private:
  bool send(const std::string& text);

  UniqueFd socket_;
  std::optional<Millis> alive_every_;
  std::string last_status_;
  bool said_ready_ = false;
};

}  // namespace reversi::client

#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "common/core/error.h"

namespace reversi::client {

/// Says when an address or a default route of this machine comes or goes: the path of a session may
/// have gone with it. Many changes at once are told once a second.
class NetWatch {
 public:
  using Handler = std::function<void(std::string what)>;

  /// @errors  permission, io  the system does not tell; the tunnel then finds out by its heartbeats
  [[nodiscard]] static Result<std::unique_ptr<NetWatch>> open(boost::asio::any_io_executor executor,
                                                              Handler handler);
  virtual ~NetWatch() = default;
  NetWatch(const NetWatch&) = delete;
  NetWatch& operator=(const NetWatch&) = delete;

 protected:
  NetWatch() = default;
};

}  // namespace reversi::client

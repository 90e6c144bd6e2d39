#pragma once
// What a supervisor holds while it runs: its run_dir, and the lock of its state directory.

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "client/io/client_state.h"
#include "client/io/control_socket.h"
#include "client/io/status_file.h"
#include "common/io/unique_fd.h"

namespace reversi::client {

/// The lock, the control socket and the status file of one run_dir.
struct RunDir {
  std::string path;
  UniqueFd lock;
  std::unique_ptr<ControlSocket> control;  ///< null where there can be none: signals still work
  std::unique_ptr<StatusFile> status;

  /// @errors  exists  another supervisor holds it;  permission, io  it cannot be made or used
  [[nodiscard]] static Result<RunDir> open(const boost::asio::any_io_executor& executor,
                                           const std::string& path, ControlSocket::Handler handler);
};

/// The lock of the state directory; empty where none can be had, because a directory that is read-only
/// or full stops no tunnel.
/// @errors  exists  another supervisor uses the directory
[[nodiscard]] Result<UniqueFd> hold_state_dir(const ClientConfig& config);
[[nodiscard]] HolderNote note_of(const ClientConfig& config);

/// However the two paths are spelled.
[[nodiscard]] bool is_same_directory(const std::string& one, const std::string& other);

}  // namespace reversi::client

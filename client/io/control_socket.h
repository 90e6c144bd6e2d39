#pragma once
// run_dir/control.sock: one JSON line asks, one JSON line answers. Mode 0600; at most 8 callers at
// once, 4 KiB a request, 5 s a call.
//
//   {"request": "status"}          → {"ok": true, "status": {…}}
//   {"request": "stop"}            → {"ok": true}
//   {"request": "reload"}          → {"ok": true} or {"ok": false, "error": "…"}
//   {"request": "restart-tunnel"}  → {"ok": true}

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/core/time.h"

namespace reversi::client {

class ControlSocket {
 public:
  /// Answers one request, named by its word. Runs on the loop and returns at once.
  using Handler = std::function<nlohmann::json(const std::string& request)>;

  /// Replaces a socket that a dead supervisor left behind: hold the lock of run_dir first.
  [[nodiscard]] static Result<std::unique_ptr<ControlSocket>> open(
      boost::asio::any_io_executor executor, const std::string& run_dir, Handler handler);

  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

 private:
  struct Parts;
  explicit ControlSocket(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}

  std::shared_ptr<Parts> parts_;
};

/// The caller's side, for the verbs: blocks for at most `limit`.
/// @errors  not_found  nobody listens there
///          timeout    no answer within the limit
[[nodiscard]] Result<nlohmann::json> ask_supervisor(const std::string& run_dir,
                                                    const std::string& request, Millis limit);

/// The process that listens there, by the kernel's word, whether it answers or not. Nothing if nobody can be asked.
[[nodiscard]] std::optional<pid_t> listening_process(const std::string& run_dir);

}  // namespace reversi::client

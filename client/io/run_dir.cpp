#include "client/io/run_dir.h"

#include <filesystem>
#include <utility>

#include "common/io/log.h"

namespace reversi::client {

Result<RunDir> RunDir::open(const boost::asio::any_io_executor& executor, const std::string& path,
                            ControlSocket::Handler handler) {
  RunDir dir{path, {}, nullptr, nullptr};
  auto lock = take_lock(path);
  if (!lock) return fail(lock.error());
  dir.lock = *std::move(lock);
  auto control = ControlSocket::open(executor, path, std::move(handler));
  // A tunnel without a control socket is worth more than no tunnel: signals still work.
  if (!control) log_warning("no control socket: " + control.error().line());
  if (control) dir.control = *std::move(control);
  dir.status = std::make_unique<StatusFile>(executor, path + "/status.json");
  return dir;
}

Result<UniqueFd> hold_state_dir(const ClientConfig& config) {
  auto lock = take_state_lock(config.state_dir, note_of(config));
  if (lock || lock.error().code() == Errc::exists) return lock;
  log_warning("a second supervisor would not be noticed: " + lock.error().line());
  return UniqueFd{};
}

HolderNote note_of(const ClientConfig& config) {
  return {config.node, run_dir_of(config)};
}

bool is_same_directory(const std::string& one, const std::string& other) {
  std::error_code failed;
  return one == other || std::filesystem::equivalent(one, other, failed);
}

}  // namespace reversi::client

#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "client/core/worker_messages.h"
#include "client/io/worker_program.h"
#include "common/core/error.h"

namespace reversi::client {

/// One worker from its start to its end, and the pipes to it. It dies with us (the kernel sees to
/// that), and it is reaped as soon as it ends.
class WorkerProcess : public std::enable_shared_from_this<WorkerProcess> {
 public:
  struct Handlers {
    std::function<void(WorkerEvent)> on_event;
    std::function<void(std::string)> on_broken;  ///< it said what cannot be read, or fell silent
    std::function<void(std::string)> on_exit;    ///< "killed by signal 9"; after its last line
  };

  /// There has to be a signal_set in the loop already, as the supervisor has: Asio throws if the first one finds no
  /// descriptor left.
  /// @errors  io  pipe, fork or exec failed
  [[nodiscard]] static Result<std::shared_ptr<WorkerProcess>> spawn(
      boost::asio::any_io_executor executor, const WorkerProgram& program, Handlers handlers);

  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();

  /// False: it does not read what it is sent.
  bool send(const WorkerCommand& command);
  void signal(int signal_number);
  [[nodiscard]] int pid() const;

 private:
  struct Parts;
  explicit WorkerProcess(std::unique_ptr<Parts> parts);
  [[nodiscard]] boost::asio::awaitable<void> follow();

  std::unique_ptr<Parts> parts_;
};

}  // namespace reversi::client

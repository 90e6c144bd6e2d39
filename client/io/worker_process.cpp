#include "client/io/worker_process.h"

// g++ 12 sees an overflow in the vector assignment of Boost's launcher where there is none.
#ifndef __clang__
#pragma GCC diagnostic ignored "-Warray-bounds"
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wrestrict"
#endif

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>

#include "client/io/boost_process.h"
#include "client/io/system.h"
#include "common/io/coro.h"
#include "common/io/line_pipe.h"
#include "common/io/platform.h"

namespace reversi::client {
namespace {

namespace process = boost::process::v2;

constexpr std::size_t kMaxQueuedBytes = 2 * kMaxWorkerLineBytes;
constexpr Millis kExitAfterEndLimit{1000};

/// Boost 1.81 leaves open what lies between 2 and its own error pipe (close_handles.ipp compares each
/// descriptor with itself): the worker would hold our lock and our control socket.
void close_on_exec_from(int first) {
  const int end = end_of_descriptors();
  for (int fd = first; fd < end; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/// What the child does between fork and exec.
struct ChildSetup {
  int in;
  int out;
  pid_t parent;

  template <class Launcher>
  process::error_code on_exec_setup(Launcher&, const std::filesystem::path&,
                                    const char* const*(&)) {
    const bool ok =
        die_with_parent(parent) && ::dup2(in, STDIN_FILENO) >= 0 && ::dup2(out, STDOUT_FILENO) >= 0;
    close_on_exec_from(STDERR_FILENO + 1);
    return ok ? process::error_code{} : process::error_code{errno, process::system_category()};
  }
};

/// Of a start that failed: it may not have come to exec, or be running already.
void end_child(pid_t pid) {
  if (pid <= 0 || ::waitpid(pid, nullptr, WNOHANG) != 0) return;
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status));
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

struct WorkerProcess::Parts {
  process::process child;
  LinePipe pipe;
  boost::asio::steady_timer timer;
  Handlers handlers;
  bool has_exited = false;
};

Result<std::shared_ptr<WorkerProcess>> WorkerProcess::spawn(asio::any_io_executor executor,
                                                            const WorkerProgram& program,
                                                            Handlers handlers) {
  auto commands = open_pipe();
  if (!commands) return fail(commands.error());
  auto events = open_pipe();
  if (!events) return fail(events.error());
  process::error_code ec;
  const std::vector<std::string> arguments(program.begin() + 1, program.end());
  process::posix::default_launcher launcher;
  process::process child =
      launcher(executor, ec, std::filesystem::path(program.front()), arguments,
               ChildSetup{commands->read.get(), events->write.get(), ::getpid()});
  if (ec) {
    end_child(launcher.pid);  // Boost 1.81 leaves the child of a failed exec unreaped
    return fail(Errc::io, program.front() + ": " + ec.message());
  }
  std::unique_ptr<Parts> parts(
      new Parts{std::move(child),
                LinePipe(executor, std::move(events->read), std::move(commands->write),
                         {.line_bytes = kMaxWorkerLineBytes, .queued_bytes = kMaxQueuedBytes}),
                asio::steady_timer(executor), std::move(handlers)});
  std::shared_ptr<WorkerProcess> worker(new WorkerProcess(std::move(parts)));
  // The coroutine keeps the worker, and so its pipes, until the process is reaped.
  asio::co_spawn(
      executor, [worker]() -> asio::awaitable<void> { co_await worker->follow(); }, kOrThrow);
  return worker;
}

WorkerProcess::WorkerProcess(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
WorkerProcess::~WorkerProcess() = default;

asio::awaitable<void> WorkerProcess::follow() {
  Parts& p = *parts_;
  for (;;) {
    const auto line = co_await p.pipe.read_line();
    if (!line) {
      if (line.error().code() == Errc::protocol && p.handlers.on_broken) {
        p.handlers.on_broken(line.error().line());
      }
      break;
    }
    auto event = decode_worker_event(*line);
    if (!event && p.handlers.on_broken) p.handlers.on_broken(event.error().line());
    if (event && p.handlers.on_event) p.handlers.on_event(*std::move(event));
  }
  p.timer.expires_after(kExitAfterEndLimit);
  p.timer.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
    const bool silent = !ec && !self->parts_->has_exited;
    if (silent && self->parts_->handlers.on_broken) {
      self->parts_->handlers.on_broken("closed its output, but does not exit");
    }
  });
  const auto [ec, code] = co_await p.child.async_wait(kAsResult);
  p.has_exited = true;
  p.timer.cancel();
  p.pipe.close();
  if (p.handlers.on_exit) {
    p.handlers.on_exit(ec ? ec.message() : describe(p.child.native_exit_code()));
  }
}

bool WorkerProcess::send(const WorkerCommand& command) {
  return parts_->pipe.send(encode(command));
}

void WorkerProcess::signal(int signal_number) {
  if (!parts_->has_exited) ::kill(parts_->child.id(), signal_number);
}

int WorkerProcess::pid() const {
  return static_cast<int>(parts_->child.id());
}

}  // namespace reversi::client

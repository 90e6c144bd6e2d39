#include "common/io/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/io/clock.h"
#include "common/io/platform.h"
#include "common/io/system_error.h"
#include "common/io/unique_fd.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): macOS does not declare it

namespace reversi {
namespace {

/// The attributes and file actions of posix_spawn, freed.
class Spawning {
 public:
  Spawning() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);  // macros on macOS
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Spawning() {
    ::posix_spawnattr_destroy(&attributes_);
    ::posix_spawn_file_actions_destroy(&actions_);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;

  void use(const UniqueFd& fd, int as) {
    ::posix_spawn_file_actions_adddup2(&actions_, fd.get(), as);
  }
  Result<pid_t> spawn(const std::vector<std::string>& argv) {
    std::vector<char*> words;
    words.reserve(argv.size() + 1);
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    pid_t pid = -1;
    const int error =
        ::posix_spawnp(&pid, words[0], &actions_, &attributes_, words.data(), environ);
    if (error != 0) return fail(errno_error(error, argv.front()));
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// One end of a pipe is read until it closes.
void drain(UniqueFd& from, std::string& into, std::size_t most_bytes) {
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
  if (got < 0 && errno == EINTR) return;
  if (got <= 0) return from.reset();
  const std::size_t room = most_bytes - std::min(most_bytes, into.size());
  into.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
}

void feed(UniqueFd& to, std::string_view& input) {
  const ssize_t written = ::write(to.get(), input.data(), input.size());
  if (written < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (written < 0) return to.reset();  // it does not want the rest
  input.remove_prefix(static_cast<std::size_t>(written));
}

/// A program that ends before it has read its input must not end us.
class IgnoredSigpipe {
 public:
  IgnoredSigpipe() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  ~IgnoredSigpipe() { ::sigaction(SIGPIPE, &before_, nullptr); }
  IgnoredSigpipe(const IgnoredSigpipe&) = delete;
  IgnoredSigpipe& operator=(const IgnoredSigpipe&) = delete;

 private:
  struct sigaction before_ {};
};

/// Waits for the end of a process that has closed its output, or still holds it at the deadline.
Result<int> reap(pid_t pid, MonoTime deadline, const std::string& name) {
  constexpr int kLookEvery = 5;  // ms
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) {
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    if (ended < 0 && errno != EINTR) return fail(errno_error(errno, name));
    if (mono_now() >= deadline) {
      ::kill(-pid, SIGKILL);
      while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
      }
      return fail(Errc::timeout, name + ": did not end in time and was killed");
    }
    ::poll(nullptr, 0, kLookEvery);
  }
}

}  // namespace

std::string CommandOutput::why() const {
  for (const std::string* text : {&err, &out}) {
    const std::string line = text->substr(0, text->find_first_of("\r\n"));
    if (!line.empty()) return printable(line);
  }
  return "exit code " + std::to_string(exit_code);
}

Result<CommandOutput> run_command(const std::vector<std::string>& argv, const CommandLimits& limits,
                                  std::string_view input) {
  const MonoTime deadline = mono_now() + limits.time;
  auto in = open_pipe();
  auto out = open_pipe();
  auto err = open_pipe();
  for (const auto* each : {&in, &out, &err}) {
    if (!*each) return fail(each->error());
  }
  const IgnoredSigpipe ignored;
  Spawning spawning;
  spawning.use(in->read, STDIN_FILENO);
  spawning.use(out->write, STDOUT_FILENO);
  spawning.use(err->write, STDERR_FILENO);
  const auto pid = spawning.spawn(argv);
  if (!pid) return fail(pid.error());
  in->read.reset();
  out->write.reset();
  err->write.reset();
  ::fcntl(in->write.get(), F_SETFL, O_NONBLOCK);

  CommandOutput result;
  while (out->read || err->read) {
    const bool is_heard =
        limits.until.empty() || result.out.find(limits.until) != std::string::npos;
    if (input.empty() && is_heard) in->write.reset();
    const auto left = std::chrono::duration_cast<Millis>(deadline - mono_now()).count();
    if (left <= 0) break;
    std::array<pollfd, 3> fds{{{out->read.get(), POLLIN, 0},
                               {err->read.get(), POLLIN, 0},
                               {input.empty() ? -1 : in->write.get(), POLLOUT, 0}}};
    // poll() skips what is closed: -1
    if (::poll(fds.data(), fds.size(), static_cast<int>(left)) <= 0) continue;
    if (fds[0].revents != 0) drain(out->read, result.out, limits.most_bytes);
    if (fds[1].revents != 0) drain(err->read, result.err, limits.most_bytes);
    if (fds[2].revents != 0) feed(in->write, input);
  }
  // At the limit it is killed as it stands, and not helped to its end.
  if (!out->read && !err->read) in->write.reset();
  const auto exit_code = reap(*pid, deadline, argv.front());
  if (!exit_code) return fail(exit_code.error());
  if (out->read || err->read) ::kill(-*pid, SIGKILL);  // somebody it left behind
  result.exit_code = *exit_code;
  return result;
}

}  // namespace reversi

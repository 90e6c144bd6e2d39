// ensure: what cron calls. Nothing to do if a supervisor answers; one that hangs is ended; none is started.

#include <poll.h>
#include <signal.h>

#include <cstdio>

#include <nlohmann/json.hpp>

#include "client/cli/config_option.h"
#include "client/cli/verbs.h"
#include "client/io/client_state.h"
#include "client/io/config_file.h"
#include "client/io/control_socket.h"
#include "client/io/detached.h"
#include "client/io/system.h"
#include "common/io/clock.h"

namespace reversi::client {
namespace {

constexpr Millis kEnsureAnswerLimit{
    10'000};  // on a machine with every CPU taken an answer may need seconds
constexpr Millis kEndLimit{5'000};
constexpr Millis kStartLimit{5'000};
constexpr int kLookAtLockEveryMs = 5;

/// The process that hangs, or 0 if none does.
Result<pid_t> find_hung(const FoundSupervisor& found) {
  const auto answer = ask_supervisor(found.run_dir, "status", kEnsureAnswerLimit);
  if (answer) return 0;
  const pid_t noted = found.holder.pid;
  // Without a control socket (a full disk) a supervisor may be perfectly well.
  const bool hangs = answer.error().code() == Errc::timeout || is_stopped(noted);
  if (!hangs) return 0;
  const pid_t pid = listening_process(found.run_dir).value_or(noted);
  if (pid > 1) return pid;
  return fail(Errc::io, "the supervisor holds " + found.run_dir +
                            "/lock and hangs, and its process id is not known: end it by hand");
}

/// Ends it if it still holds the lock; its worker ends with it. False: it went of itself.
Result<bool> end_hung(const ClientConfig& config, const FoundSupervisor& found, pid_t pid) {
  const MonoTime deadline = mono_now() + kEndLimit;
  bool was_told = false;
  for (;;) {
    const FoundSupervisor now_is = find_supervisor(config);
    if (!now_is.holder.is_held || now_is.holder.pid != found.holder.pid) return was_told;
    if (mono_now() >= deadline) {
      return fail(Errc::timeout, "the supervisor (process id " + std::to_string(pid) +
                                     ") does not answer and cannot be ended");
    }
    was_told = ::kill(pid, SIGKILL) == 0 || was_told;
    ::poll(nullptr, 0, kLookAtLockEveryMs);
  }
}

Result<ExitCode> start(const LoadedConfig& loaded) {
  const auto executable = executable_path();
  if (!executable) return fail(executable.error());
  auto child = Detached::start({*executable, "run", "--config", loaded.path});
  if (!child) return fail(child.error());
  const MonoTime deadline = mono_now() + kStartLimit;
  // Also good: another one that came first, whose lock ended ours.
  while (!find_supervisor(loaded.config).holder.is_held) {
    if (const auto ended = child->exit_code()) {
      return fail(Errc::io, "the supervisor ended at once with exit code " +
                                std::to_string(*ended) + "; `reversi-client run` says why");
    }
    if (mono_now() >= deadline) {
      return fail(Errc::timeout, "the supervisor has not taken its lock; see the system's log");
    }
    ::poll(nullptr, 0, kLookAtLockEveryMs);
  }
  return ExitCode::done;
}

Result<ExitCode> ensure(const std::string& path) {
  const auto config = read_config(path);
  if (!config) return fail(config.error());
  const FoundSupervisor found = find_supervisor(*config);
  if (found.holder.is_held) {
    const auto hung = find_hung(found);
    if (!hung) return fail(hung.error());
    if (*hung == 0) return ExitCode::done;
    const auto ended = end_hung(*config, found, *hung);
    if (!ended) return fail(ended.error());
    if (*ended) {
      std::fprintf(stderr,
                   "reversi-client: ended the supervisor (process id %d), which hung; starting "
                   "another\n",
                   static_cast<int>(*hung));
    }
    if (find_supervisor(*config).holder.is_held) return ExitCode::done;  // somebody was quicker
  }
  // Here rather than there, where nobody reads what is wrong with it.
  const auto loaded = load_config_or_last_good(path);
  return loaded ? start(*loaded) : fail(loaded.error());
}

}  // namespace

Run ensure_verb(Options& add) {
  return [path = add_config_option(add)]() -> Result<ExitCode> { return ensure(*path); };
}

}  // namespace reversi::client

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "common/io/clock.h"
#include "common/io/system_error.h"
#include "server/io/process.h"

namespace reversi::server {
namespace {

constexpr Millis kTermGrace{300};

/// The first `most` bytes of a file in /proc, which has no size.
std::string read_start_of_proc(const std::string& path, std::size_t most = 1024) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return {};
  std::string text(most, '\0');
  const ssize_t got = ::read(fd.get(), text.data(), most);  // the kernel gives all of it at once
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

/// Field `index` (1 = state) of what follows "(comm)" in /proc/PID/stat; comm may hold anything.
std::string_view stat_field(std::string_view stat, int index) {
  const std::size_t close = stat.rfind(')');
  if (close == std::string_view::npos) return {};
  std::string_view rest = stat.substr(close + 1);
  for (int i = 0; i < index; ++i) {
    const std::size_t start = rest.find_first_not_of(' ');
    if (start == std::string_view::npos) return {};
    rest.remove_prefix(start);
    if (i + 1 < index) rest.remove_prefix(std::min(rest.find(' '), rest.size()));
  }
  return rest.substr(0, rest.find(' '));
}

/// pidfd_send_signal's errors for a process that is gone, that is not ours, and the rest.
Result<void> sent(int result, const ProcessId& process) {
  if (result == 0) return {};
  if (errno == ESRCH) return fail(Errc::not_found, "the process is gone");
  return fail(errno_error(errno, "signal process " + std::to_string(process.pid)));
}

}  // namespace

std::string own_boot_id() {
  std::string id = read_start_of_proc("/proc/sys/kernel/random/boot_id", 64);
  while (!id.empty() && id.back() <= ' ') id.pop_back();
  return id;
}

Result<std::string> own_executable() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size > 0 && static_cast<std::size_t>(size) < path.size()) {
    std::string_view found(path.data(), static_cast<std::size_t>(size));
    // An upgrade replaced the file while we run: the new one has its name.
    if (found.ends_with(" (deleted)")) found.remove_suffix(std::string_view(" (deleted)").size());
    return std::string(found);
  }
  return fail(errno_error(errno, "/proc/self/exe"));
}

ProcessId own_process() {
  return process_of_pid(::getpid()).value_or(ProcessId{::getpid(), 0});
}

std::optional<ProcessId> process_of_pid(std::int64_t pid) {
  constexpr int kState = 1;
  constexpr int kStartTime = 20;  // field 22 of proc(5), counted from the state
  if (pid <= 0) return std::nullopt;
  const std::string stat = read_start_of_proc("/proc/" + std::to_string(pid) + "/stat");
  const std::string_view state = stat_field(stat, kState);
  if (state.empty() || state == "Z" || state == "X") return std::nullopt;
  const std::string_view ticks = stat_field(stat, kStartTime);
  ProcessId process{pid, 0};
  const auto [end, error] =
      std::from_chars(ticks.data(), ticks.data() + ticks.size(), process.start_time);
  if (error != std::errc{} || end != ticks.data() + ticks.size()) return std::nullopt;
  return process;
}

bool is_running(const ProcessId& process) {
  return process_of_pid(process.pid) == process;
}

UniqueFd open_pidfd(std::int64_t pid) {
  // glibc 2.36 has a wrapper, older ones do not.
  return UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

Result<HeldProcess> open_process(const ProcessId& process) {
  const auto gone = [&] {
    return fail(Errc::not_found, "process " + std::to_string(process.pid) + " is gone");
  };
  if (process.pid <= 0) return gone();
  // The descriptor comes first, then the comparison: so what was compared cannot be replaced by
  // another process afterwards.
  HeldProcess held{process, open_pidfd(process.pid)};
  if (!is_running(process)) return gone();
  return held;
}

Result<void> signal_process(const HeldProcess& process, int signal) {
  if (process.pidfd) {
    const int pidfd = process.pidfd.get();
    const auto result = ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
    return sent(static_cast<int>(result), process.id);
  }
  if (!is_running(process.id)) return fail(Errc::not_found, "the process is gone");
  return sent(::kill(static_cast<pid_t>(process.id.pid), signal), process.id);
}

bool wait_for_end(const HeldProcess& process, Millis limit) {
  const MonoTime deadline = mono_now() + limit;
  for (;;) {
    if (!is_running(process.id)) return true;
    const Millis left = deadline - mono_now();
    if (left <= Millis{0}) return false;
    pollfd ended{process.pidfd.get(), POLLIN, 0};  // poll() passes over a descriptor of -1
    ::poll(&ended, 1, static_cast<int>(std::min(left, Millis{50}).count()));
  }
}

Result<void> end_process(const ProcessId& process, Millis limit) {
  const MonoTime deadline = mono_now() + limit;
  const auto held = open_process(process);
  if (!held) return {};  // gone
  for (const int signal : {SIGTERM, SIGKILL}) {
    const auto done = signal_process(*held, signal);
    if (!done && done.error().code() == Errc::not_found) return {};
    if (!done) return done;
    const Millis left = deadline - mono_now();
    if (wait_for_end(*held, signal == SIGTERM ? std::min(kTermGrace, left) : left)) return {};
  }
  return fail(Errc::timeout, "process " + std::to_string(process.pid) + " is still there " +
                                 std::to_string(limit.count()) + " ms after SIGTERM");
}

}  // namespace reversi::server

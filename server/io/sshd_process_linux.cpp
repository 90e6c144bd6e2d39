#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

#include "common/io/clock.h"
#include "common/io/files.h"
#include "server/io/process.h"
#include "server/io/sshd_process.h"

namespace reversi::server {
namespace {

constexpr std::size_t kMaxProcBytes = 16 * 1024;

std::optional<std::string> read_all_of_proc(const std::string& path) {
  auto text = read_file(path, kMaxProcBytes);
  if (!text) return std::nullopt;
  return *std::move(text);
}

template <class Number>
bool read_leading_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end != text.data();
}

/// The number after `key` in /proc/PID/status.
template <class Number>
bool read_status_number(std::string_view status, std::string_view key, Number& out) {
  const std::size_t at = status.find(key);
  if (at == std::string_view::npos) return false;
  status.remove_prefix(at + key.size());
  status.remove_prefix(std::min(status.find_first_not_of(" \t"), status.size()));
  return read_leading_number(status, out);
}

/// "pid (name) state ppid … starttime(22) …". The name may hold spaces and brackets: the last one
/// ends it.
bool parse_stat(std::string_view stat, ProcessInfo& out) {
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return false;
  out.name = stat.substr(open + 1, close - open - 1);
  std::string_view rest = stat.substr(close + 1);
  constexpr int kState = 3;
  constexpr int kParent = 4;
  constexpr int kStartTime = 22;
  for (int field = kState; field <= kStartTime; ++field) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (rest.empty()) return false;
    if (field == kState) out.state = rest.front();
    if (field == kParent && !read_leading_number(rest, out.parent)) return false;
    if (field == kStartTime) return read_leading_number(rest, out.id.start_time);
    rest.remove_prefix(std::min(rest.find(' '), rest.size()));
  }
  return false;
}

struct CloseDir {
  void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

std::vector<ProcessInfo> all_processes() {
  std::vector<ProcessInfo> found;
  const std::unique_ptr<DIR, CloseDir> dir(::opendir("/proc"));
  while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
    std::int64_t pid = 0;
    if (!read_leading_number(std::string_view(entry->d_name), pid)) continue;
    if (auto info = process_info(pid)) found.push_back(*std::move(info));
  }
  return found;
}

/// True if this command line, as /proc/PID/cmdline has it, says one word and then the other.
bool has_words(std::string_view line, std::string_view first, std::string_view second) {
  const auto words = '\0' + std::string(first) + '\0' + std::string(second) + '\0';
  return line.find(words) != std::string_view::npos;
}

}  // namespace

bool is_sshd_name(std::string_view name) {
  return name.starts_with("sshd");
}

std::optional<ProcessInfo> process_info(std::int64_t pid) {
  const std::string dir = "/proc/" + std::to_string(pid);
  const auto stat = read_all_of_proc(dir + "/stat");
  const auto status = read_all_of_proc(dir + "/status");
  ProcessInfo info;
  info.id.pid = pid;
  if (!stat || !status || !parse_stat(*stat, info)) return std::nullopt;
  if (!read_status_number(*status, "\nUid:", info.uid)) return std::nullopt;
  read_status_number(*status, "\nvoluntary_ctxt_switches:", info.voluntary_switches);
  return info;
}

std::vector<ProcessInfo> agents_of(const NodeName& node, const std::string& state_dir, uid_t uid) {
  auto found = all_processes();
  std::erase_if(found, [&](const ProcessInfo& each) {
    if (each.uid != uid || each.is_gone()) return true;
    const auto line = read_all_of_proc("/proc/" + std::to_string(each.id.pid) + "/cmdline");
    return !line || !has_words(*line, "agent", "--node") ||
           !has_words(*line, "--node", node.text()) || !has_words(*line, "--state-dir", state_dir);
  });
  return found;
}

std::vector<HolderCandidate> childless_sshds(uid_t uid) {
  std::vector<HolderCandidate> sshds;
  std::vector<std::int64_t> parents;
  for (const ProcessInfo& info : all_processes()) {
    parents.push_back(info.parent);
    if (info.uid == uid && is_sshd_name(info.name) && !info.is_gone()) {
      sshds.push_back({info.id, info.is_stopped(), info.voluntary_switches});
    }
  }
  std::erase_if(sshds, [&](const HolderCandidate& sshd) {
    return std::ranges::count(parents, sshd.id.pid) > 0;
  });
  return sshds;
}

Result<ParentProcess> hold_parent(
    const std::function<std::optional<ProcessInfo>(std::int64_t)>& look) {
  const pid_t parent = ::getppid();
  ParentProcess held;
  held.pid = parent;
  held.pidfd = open_pidfd(parent);
  const auto info = look(parent);
  if (!held.is_there()) {
    return fail(Errc::not_found, "the sshd process above the agent ended while the agent started");
  }
  if (info) held.id = info->id;
  // Init, and what is outside of our pid namespace (0), is above whoever lost his parent.
  held.is_sshd = info ? is_sshd_name(info->name) : parent > 1;
  return held;
}

bool ParentProcess::is_there() const {
  return ::getppid() == pid;
}

void ParentProcess::signal(int number) const {
  if (!is_sshd || !is_there()) return;
  if (pidfd) static_cast<void>(::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0));
  if (!pidfd) static_cast<void>(::kill(static_cast<pid_t>(pid), number));
}

bool ParentProcess::wait_for_end(Millis limit) const {
  constexpr Millis kLook{10};
  const MonoTime deadline = mono_now() + limit;
  while (is_there()) {
    const Millis left = deadline - mono_now();
    if (left <= Millis{0}) return false;
    pollfd ended{pidfd.get(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(std::min(left, kLook).count()));
  }
  return true;
}

}  // namespace reversi::server

#include "server/io/event_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/io/system_error.h"
#include "server/io/own_file.h"

namespace reversi::server {
namespace {

constexpr off_t kFullLogBytes = 1024 * 1024;
constexpr std::size_t kMostReadBytes = 2 * 1024 * 1024;

/// Calls `use` for each line of one file, oldest first.
template <class Use>
void for_each_event(const std::string& path, const Use& use) {
  const auto text = read_own_file(path, kMostReadBytes);
  if (!text) return;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (auto event = decode_event(rest.substr(0, end))) use(*std::move(event));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::optional<Event> last_of(const std::string& path) {
  std::optional<Event> last;
  for_each_event(path, [&](Event event) {
    if (event.kind == EventKind::up || event.kind == EventKind::down) last = std::move(event);
  });
  return last;
}

/// A line that a full disk cut short must not swallow this one.
bool ends_in_a_line(int fd, off_t size) {
  char last = '\n';
  return size == 0 || ::pread(fd, &last, 1, size - 1) != 1 || last == '\n';
}

UniqueFd open_log_to_append(const std::string& path) {
  return UniqueFd{::open(path.c_str(),
                         O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)};
}

/// Only the first of those who find it full moves it: a second move would put an almost empty file
/// over the old one. Who cannot get the lock meets the one that moves it.
Result<void> rotate(const std::string& path, const UniqueFd& full) {
  struct stat opened {};
  struct stat present {};
  if (::flock(full.get(), LOCK_EX | LOCK_NB) != 0 || ::fstat(full.get(), &opened) != 0) return {};
  const bool is_here = ::lstat(path.c_str(), &present) == 0 && present.st_ino == opened.st_ino &&
                       present.st_dev == opened.st_dev;
  if (!is_here) return {};
  const std::string old = path + ".1";
  clear_the_way(old);
  if (::rename(path.c_str(), old.c_str()) != 0) return fail(errno_error(errno, path));
  return {};
}

}  // namespace

EventLog::EventLog(const StateDir& state, const NodeName& node)
    : path_(state.node_file(node, "events.jsonl")) {}

Result<void> EventLog::append(const Event& event) const {
  clear_the_way(path_);
  UniqueFd fd = open_log_to_append(path_);
  struct stat info {};
  if (fd && ::fstat(fd.get(), &info) == 0 && info.st_size >= kFullLogBytes) {
    if (auto ok = rotate(path_, fd); !ok) return ok;
    fd = open_log_to_append(path_);
    info = {};
  }
  if (!fd) return fail(errno_error(errno, path_));
  static_cast<void>(::fstat(fd.get(), &info));
  std::string line = encode_event(event);
  if (!ends_in_a_line(fd.get(), info.st_size)) line.insert(line.begin(), '\n');
  const ssize_t written = ::write(fd.get(), line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return {};
  return fail(errno_error(written < 0 ? errno : ENOSPC, path_));
}

std::vector<Event> EventLog::read(std::optional<WallTime> since) const {
  std::vector<Event> events;
  for (const std::string& path : {path_ + ".1", path_}) {
    for_each_event(path, [&](Event event) {
      if (!since || event.at >= *since) events.push_back(std::move(event));
    });
  }
  return events;
}

std::optional<Event> EventLog::last_up_or_down() const {
  auto last = last_of(path_);
  return last ? last : last_of(path_ + ".1");
}

void close_dead_session_locked(const StateDir& state, const NodeName& node, WallTime now) {
  const NodeFiles files = state.load_files(node);
  if (!is_unclosed(files)) return;
  const EventLog log(state, node);
  if (const auto down = owed_down(files, log.last_up_or_down(), now)) {
    if (!log.append(*down)) return;  // a full disk: the next one tries again
  }
  SessionRecord closed = *files.session;
  closed.ended_at = files.alive_at.value_or(now);
  // Should this fail, the event is not written twice: the last one is a `down` now.
  static_cast<void>(state.save_session(node, closed));
}

void close_dead_session(const StateDir& state, const NodeName& node, WallTime now,
                        Millis lock_limit) {
  const auto lock = state.lock_node(node, lock_limit);
  if (lock) close_dead_session_locked(state, node, now);
}

}  // namespace reversi::server

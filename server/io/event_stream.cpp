#include "server/io/event_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <queue>

#include "common/io/unique_fd.h"

namespace reversi::server {
namespace {

constexpr std::size_t kChunk = 4096;  // two of the longest lines

/// The log's file, unless it is not ours.
UniqueFd open_log_to_read(const std::string& path, ino_t& inode) {
  UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) return {};
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) return {};
  inode = info.st_ino;
  return fd;
}

}  // namespace

EventStream::EventStream(const StateDir& state, const NodeName& node, std::optional<WallTime> since)
    : path_(state.node_file(node, "events.jsonl")), since_(since) {}

const Event* EventStream::front() {
  if (ahead_.size() < kAhead) fill();
  return ahead_.empty() ? nullptr : &ahead_.front();
}

void EventStream::pop() {
  ahead_.pop_front();
}

/// Decodes lines until kAhead events are there, each in its place.
void EventStream::fill() {
  while (ahead_.size() < kAhead) {
    const std::size_t end = text_.find('\n');
    if (end == std::string::npos) {
      if (!read_more()) return;
      continue;
    }
    auto event = decode_event(std::string_view(text_).substr(0, end));
    text_.erase(0, end + 1);
    if (!event || (since_ && event->at < *since_)) continue;
    const auto later = std::ranges::upper_bound(ahead_, event->at, {}, &Event::at);
    ahead_.insert(later, *std::move(event));
  }
}

/// False: there is no more. Every call either reads on or turns to the next file.
bool EventStream::read_more() {
  if (is_done_) return false;
  ino_t inode = 0;
  UniqueFd fd = open_log_to_read(is_old_file_ ? path_ + ".1" : path_, inode);
  if (fd && offset_ > 0 && inode != inode_) {
    // The present file was moved aside since the last look: there it goes on. The old one was
    // replaced by it: what was left of that is gone.
    if (is_old_file_) {
      offset_ = 0;
      text_.clear();
    } else {
      fd = open_log_to_read(path_ + ".1", inode);
    }
  }
  const bool is_same = offset_ == 0 || inode == inode_;
  inode_ = inode;
  char chunk[kChunk];
  const ssize_t got = fd && is_same ? ::pread(fd.get(), chunk, sizeof chunk, offset_) : 0;
  if (got > 0) {
    offset_ += got;
    if (text_.size() > kMaxEventBytes)
      text_.clear();  // no line of ours: what ends it is skipped, too
    text_.append(chunk, static_cast<std::size_t>(got));
    return true;
  }
  // A last line without its end: one that a full disk cut short, or that is being written.
  text_.clear();
  offset_ = 0;
  is_done_ = !is_old_file_;
  is_old_file_ = false;
  return !is_done_;
}

void merge_events(const StateDir& state, const std::vector<NodeName>& nodes,
                  std::optional<WallTime> since,
                  const std::function<bool(const NodeName&, const Event&)>& use) {
  std::vector<EventStream> streams;
  streams.reserve(nodes.size());
  using Entry = std::pair<WallTime, std::size_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> next;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    streams.emplace_back(state, nodes[i], since);
    if (const Event* first = streams[i].front()) next.emplace(first->at, i);
  }
  while (!next.empty()) {
    const std::size_t i = next.top().second;
    next.pop();
    if (!use(nodes[i], *streams[i].front())) return;
    streams[i].pop();
    if (const Event* more = streams[i].front()) next.emplace(more->at, i);
  }
}

}  // namespace reversi::server

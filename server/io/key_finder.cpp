#include "server/io/key_finder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_map>

#include "common/io/files.h"
#include "common/io/system_error.h"
#include "server/core/key_index.h"
#include "server/io/own_file.h"

namespace reversi::server {
namespace {

constexpr std::size_t kMostIndexBytes = 64 * 1024 * 1024;
constexpr Millis kIndexLockLimit{2000};
/// A file changed within one tick of the kernel's clock of being read may have been read before it.
constexpr std::int64_t kRacy = 50'000'000;  // ns

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string index_path(const StateDir& state) {
  return state.path() + "/key-index";
}

std::string directory_stamp(const StateDir& state) {
  struct stat info {};
  if (::stat((state.path() + "/nodes").c_str(), &info) != 0) return "";
  return std::to_string(nanoseconds(info.st_mtim)) + '-' + std::to_string(info.st_ino);
}

struct FoundIndex {
  std::string text;
  std::optional<WallTime> checked;  ///< its mtime

  [[nodiscard]] bool is_fresh(const StateDir& state, WallTime now) const {
    return is_index_fresh(text, directory_stamp(state), checked, now);
  }
};

FoundIndex load_index(const StateDir& state) {
  const std::string path = index_path(state);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) {
    return {};
  }
  auto text = read_file(path, kMostIndexBytes);
  if (!text) return {};
  return {*std::move(text), WallTime{Millis{nanoseconds(info.st_mtim) / 1'000'000}}};
}

bool holds(const NodeRecord& record, const PublicKey& key) {
  return std::ranges::any_of(record.keys,
                             [&](const PublicKey& held) { return is_same_key(held, key); });
}

/// What the index says, if the node's own file says so too.
std::optional<NodeRecord> verified(const StateDir& state, std::string_view text,
                                   std::string_view hash, const PublicKey& key) {
  const auto node = node_in_index(text, hash);
  if (!node) return std::nullopt;
  auto record = state.load_node(*node);
  if (!record || !holds(*record, key)) return std::nullopt;
  return *std::move(record);
}

std::string stamp_of(const struct stat& info, std::int64_t began) {
  if (nanoseconds(info.st_ctim) > began - kRacy) return "-";
  return std::to_string(nanoseconds(info.st_ctim)) + '-' + std::to_string(info.st_ino) + '-' +
         std::to_string(info.st_size);
}

IndexedNode read_node(const StateDir& state, const NodeName& node, std::string stamp) {
  IndexedNode indexed{node.text(), std::move(stamp), {}};
  const auto record = state.load_node(node);
  if (!record && record.error().code() != Errc::config) indexed.stamp = "-";
  if (!record) return indexed;
  for (const PublicKey& key : record->keys) indexed.hashes.push_back(to_hex(digest_of(key)));
  return indexed;
}

/// Looks at every node.json, reads those that changed since `before`.
KeyIndex look_at_all(const StateDir& state, const KeyIndex& before) {
  std::unordered_map<std::string_view, const IndexedNode*> known;
  for (const IndexedNode& node : before.nodes) known.emplace(node.node, &node);
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t began = nanoseconds(now);
  // Before the files: what changes from here on makes another stamp.
  KeyIndex index{directory_stamp(state), {}};
  for (const NodeName& node : state.list_nodes()) {
    struct stat info {};
    if (::lstat(state.node_file(node, "node.json").c_str(), &info) != 0) continue;
    std::string stamp = stamp_of(info, began);
    const auto found = known.find(node.text());
    const bool is_unchanged = stamp != "-" && found != known.end() && found->second->stamp == stamp;
    index.nodes.push_back(is_unchanged ? *found->second : read_node(state, node, std::move(stamp)));
  }
  return index;
}

/// The index as the files are now; kept for the next one where the disk allows it.
/// @param seen  The index before this, which was not fresh.
std::string refresh(const StateDir& state, const FoundIndex& seen) {
  const std::string path = index_path(state);
  clear_the_way(path);
  clear_the_way(path + ".lock");
  // Whoever does not get the lock looks for himself: slow, and right.
  const auto lock = lock_file(path + ".lock", kIndexLockLimit);
  FoundIndex found = load_index(state);
  // Somebody else did it while we waited. Not by the clock: his work is younger than our `now`.
  const bool was_done = found.checked && found.checked != seen.checked &&
                        directory_stamp_of(found.text) == directory_stamp(state);
  if (was_done) return std::move(found.text);
  std::string text = format_key_index(look_at_all(state, parse_key_index(found.text)));
  if (!lock) return text;
  // On a full disk the times of an index that is there can still be set.
  const bool is_kept = text == found.text
                           ? ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0
                           : write_file(path, text, kOwnFileMode, Sync::none).has_value();
  static_cast<void>(is_kept);
  return text;
}

}  // namespace

std::optional<NodeRecord> find_node_of_key(const StateDir& state, const PublicKey& key,
                                           WallTime now) {
  const std::string hash = to_hex(digest_of(key));
  const FoundIndex found = load_index(state);
  if (auto record = verified(state, found.text, hash, key)) return record;
  if (found.is_fresh(state, now)) return std::nullopt;
  return verified(state, refresh(state, found), hash, key);
}

}  // namespace reversi::server

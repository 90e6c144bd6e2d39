#include "server/io/pending_dir.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/files.h"
#include "common/io/system_error.h"
#include "server/io/own_file.h"

namespace reversi::server {
namespace {

constexpr Millis kPendingLockLimit{1000};
constexpr std::string_view kSuffix = ".json";
constexpr std::size_t kHashDigits = 64;

std::string directory_of(const StateDir& state) {
  return state.path() + "/pending";
}

std::string path_of(const StateDir& state, const PublicKey& key) {
  return directory_of(state) + '/' + to_hex(digest_of(key)) + std::string(kSuffix);
}

bool is_entry(std::string_view name) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return name.size() == kHashDigits + kSuffix.size() && name.ends_with(kSuffix) &&
         std::ranges::all_of(name.substr(0, kHashDigits), is_digit);
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
  if (dir == nullptr) return names;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

/// The entry of this file, if it is one and says the key that it is named after.
std::optional<PendingKey> load(const std::string& path) {
  const auto text = read_own_file(path);
  if (!text || text->size() > kMaxPendingBytes) return std::nullopt;
  const auto doc = parse_json(*text);
  if (!doc) return std::nullopt;
  auto entry = pending_from_json(*doc);
  if (!entry || !path.ends_with('/' + to_hex(digest_of(entry->key)) + std::string(kSuffix)))
    return std::nullopt;
  return *std::move(entry);
}

/// With the directory locked nobody writes, so what is no entry was left by one that was killed.
std::int64_t make_room(const std::string& directory, const ServerPolicy& policy, WallTime now) {
  std::int64_t count = 0;
  std::vector<std::string> entries;
  for (const std::string& name : names_in(directory)) {
    if (is_entry(name)) {
      entries.push_back(directory + '/' + name);
    } else {
      std::error_code ignored;
      std::filesystem::remove_all(directory + '/' + name, ignored);
    }
  }
  count = static_cast<std::int64_t>(entries.size());
  if (count < policy.pending_most) return count;
  for (const std::string& path : entries) {
    const auto entry = load(path);
    const bool stays = entry && !is_forgotten(entry->last, policy, now);
    if (!stays && ::unlink(path.c_str()) == 0) --count;
  }
  return count;
}

}  // namespace

std::vector<PendingKey> list_pending(const StateDir& state) {
  std::vector<PendingKey> entries;
  for (const std::string& name : names_in(directory_of(state))) {
    if (!is_entry(name)) continue;
    if (auto entry = load(directory_of(state) + '/' + name)) entries.push_back(*std::move(entry));
  }
  std::ranges::sort(entries, {}, &PendingKey::first);
  return entries;
}

Result<Noted> note_knock(const StateDir& state, const PublicKey& key,
                         const std::optional<std::string>& address, const ServerPolicy& policy,
                         WallTime now) {
  const std::string path = path_of(state, key);
  const PublicKey bare{key.type, key.blob, ""};
  auto present = load(path);
  // Without the lock first: a key that knocks every second costs one small read.
  if (present && !note_again(*present, address, now)) return Noted::already;
  const std::string directory = directory_of(state);
  struct stat info {};
  const bool is_odd = ::lstat(directory.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
  if (is_odd) ::unlink(directory.c_str());
  if (!is_odd) clear_the_way(path);
  if (::mkdir(directory.c_str(), kOwnDirMode) != 0 && errno != EEXIST) {
    return fail(errno_error(errno, directory));
  }
  const auto lock = lock_directory(directory, kPendingLockLimit);
  if (!lock) return fail(lock.error());
  present = load(path);
  const auto entry =
      present ? note_again(*present, address, now) : PendingKey{bare, address, now, now, 1};
  if (!entry) return Noted::already;
  const std::string text = json_text(pending_to_json(*entry));
  if (text.size() > kMaxPendingBytes) return Noted::too_large;
  if (!present && make_room(directory, policy, now) >= policy.pending_most) return Noted::full;
  return write_file(path, text, kOwnFileMode, Sync::none).map([] { return Noted::written; });
}

Result<void> remove_pending(const StateDir& state, const PublicKey& key) {
  const std::string path = path_of(state, key);
  if (::unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return {};
  return fail(errno_error(errno, path));
}

}  // namespace reversi::server

#include "server/io/state_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "common/io/system_error.h"
#include "server/io/own_file.h"

namespace reversi::server {
namespace {

timespec to_timespec(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  const auto rest = std::chrono::nanoseconds(time.time_since_epoch() - seconds);
  return {static_cast<time_t>(seconds.count()), static_cast<long>(rest.count())};
}

Result<void> write_own_file(const std::string& path, const Json& doc, Sync sync) {
  clear_the_way(path);
  return write_file(path, json_text(doc), kOwnFileMode, sync);
}

Result<void> make_own_directory(const std::string& path) {
  if (::mkdir(path.c_str(), kOwnDirMode) == 0) return {};
  const int error = errno;
  struct stat info {};
  const bool is_there = error == EEXIST && ::lstat(path.c_str(), &info) == 0 &&
                        S_ISDIR(info.st_mode) && info.st_uid == ::geteuid();
  if (is_there) return {};
  return fail(errno_error(error, path));
}

}  // namespace

WallTime wall_time(const timespec& time) {
  const auto whole = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  return WallTime{std::chrono::floor<Millis>(whole)};
}

Result<StateDir> StateDir::open_existing(const std::string& path) {
  std::error_code failed;
  const auto absolute = std::filesystem::canonical(path, failed);
  if (failed) return fail(errno_error(failed.value(), path));
  struct stat info {};
  if (::stat(absolute.c_str(), &info) != 0) return fail(errno_error(errno, path));
  if (!S_ISDIR(info.st_mode)) return fail(Errc::config, path + ": not a directory");
  if (info.st_uid != ::geteuid()) {
    return fail(Errc::permission, path + ": belongs to another user; run with sudo");
  }
  // Whoever may write here decides which port is whose.
  if ((info.st_mode & 0077) != 0 && ::chmod(absolute.c_str(), kOwnDirMode) != 0) {
    return fail(errno_error(errno, path));
  }
  StateDir state(absolute.string());
  if (auto ok = make_own_directory(state.path_ + "/nodes"); !ok) return fail(ok.error());
  return state;
}

std::string StateDir::node_path(const NodeName& node) const {
  return path_ + "/nodes/" + node.text();
}

std::string StateDir::node_file(const NodeName& node, std::string_view file) const {
  return node_path(node) + '/' + std::string(file);
}

std::vector<NodeName> StateDir::list_nodes() const {
  std::vector<NodeName> nodes;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir((path_ + "/nodes").c_str()), ::closedir);
  if (dir == nullptr) return nodes;
  while (const dirent* entry = ::readdir(dir.get())) {
    auto name = NodeName::parse(entry->d_name);
    const bool may_be_directory = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
    if (name && may_be_directory) nodes.push_back(*std::move(name));
  }
  std::ranges::sort(nodes);
  return nodes;
}

std::size_t StateDir::count_nodes() const {
  return list_nodes().size();
}

bool StateDir::has_node(const NodeName& node) const {
  struct stat info {};
  return ::lstat(node_path(node).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<void> StateDir::create_node(const NodeName& node) const {
  if (::mkdir(node_path(node).c_str(), kOwnDirMode) == 0) {
    ::unlink(removed_file(node).c_str());
    return {};
  }
  if (errno == EEXIST) return fail(Errc::exists, "node " + node.text() + " exists already");
  return fail(errno_error(errno, node_path(node)));
}

std::string StateDir::removed_file(const NodeName& node) const {
  return path_ + "/removed/" + node.text();
}

bool StateDir::was_removed(const NodeName& node) const {
  struct stat info {};
  return !has_node(node) && ::lstat(removed_file(node).c_str(), &info) == 0;
}

Result<void> StateDir::remove_node(const NodeName& node) const {
  // On a full disk the node goes without it.
  if (make_own_directory(path_ + "/removed")) {
    static_cast<void>(write_file(removed_file(node), "", kOwnFileMode, Sync::disk));
  }
  std::error_code failed;
  std::filesystem::remove_all(node_path(node), failed);
  if (failed) return fail(errno_error(failed.value(), node_path(node)));
  return {};
}

Result<UniqueFd> StateDir::lock_node(const NodeName& node, Millis limit) const {
  const std::string path = node_file(node, "lock");
  clear_the_way(path);
  return lock_file(path, limit);
}

Result<UniqueFd> StateDir::lock_all(Millis limit) const {
  clear_the_way(path_ + "/lock");
  auto lock = lock_file(path_ + "/lock", limit);
  if (lock) sweep_left_over(path_, wall_now());
  return lock;
}

Result<Json> StateDir::load_json(const std::string& path) const {
  const auto text = read_own_file(path);
  if (!text) return fail(text.error());
  return parse_own_json(*text).map_error([&](Error error) { return std::move(error).in(path); });
}

Result<NodeRecord> StateDir::load_node(const NodeName& node) const {
  const std::string path = node_file(node, "node.json");
  const auto doc = load_json(path);
  if (!doc) return fail(doc.error());
  return node_from_json(node, *doc).map_error([&](Error error) {
    return std::move(error).in(path);
  });
}

Result<SessionRecord> StateDir::load_session(const NodeName& node) const {
  const std::string path = node_file(node, "session.json");
  const auto doc = load_json(path);
  if (!doc) return fail(doc.error());
  return session_from_json(*doc).map_error([&](Error error) { return std::move(error).in(path); });
}

Result<NodeStatus> StateDir::load_status(const NodeName& node) const {
  const std::string path = node_file(node, "status.json");
  const auto doc = load_json(path);
  if (!doc) return fail(doc.error());
  return status_from_json(*doc).map_error([&](Error error) { return std::move(error).in(path); });
}

std::optional<Alive> StateDir::load_alive(const NodeName& node) const {
  struct stat info {};
  if (::lstat(node_file(node, "alive").c_str(), &info) != 0) return std::nullopt;
  return alive_of(info);
}

LoadedPolicy StateDir::load_policy() const {
  const std::string path = path_ + "/server.json";
  const auto doc = load_json(path);
  if (!doc && doc.error().code() == Errc::not_found) return {};
  std::vector<std::string> unknown;
  const auto policy = doc ? policy_from_json(*doc, unknown).map_error([&](Error e) {
    return std::move(e).in(path);
  })
                          : Result<ServerPolicy>(fail(doc.error()));
  if (!policy)
    return {ServerPolicy{}, policy.error().line() + "; built-in defaults are in use", true};
  LoadedPolicy loaded{*policy, "", false};
  for (const std::string& key : unknown) {
    loaded.problem += (loaded.problem.empty() ? path + ": unknown key " : ", ") + key;
  }
  return loaded;
}

std::optional<WallTime> StateDir::policy_stamp() const {
  struct stat info {};
  if (::lstat((path_ + "/server.json").c_str(), &info) != 0) return std::nullopt;
  return wall_time(info.st_mtim);
}

Result<void> StateDir::save_node(const NodeRecord& record) const {
  const auto saved =
      write_own_file(node_file(record.node, "node.json"), node_to_json(record), Sync::disk);
  // Nothing was added to the directory, but its time tells the index of keys to look again.
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const timespec times[2] = {{0, UTIME_OMIT}, now};
  ::utimensat(AT_FDCWD, (path_ + "/nodes").c_str(), times, 0);
  return saved;
}

Result<void> StateDir::save_session(const NodeName& node, const SessionRecord& record) const {
  return write_own_file(node_file(node, "session.json"), session_to_json(record), Sync::disk);
}

Result<void> StateDir::save_status(const NodeName& node, const NodeStatus& status) const {
  return write_own_file(node_file(node, "status.json"), status_to_json(status), Sync::none);
}

Result<void> StateDir::save_policy_text(std::string_view key, const std::string& value) const {
  const std::string file = path_ + "/server.json";
  auto doc = load_json(file);
  if (!doc && doc.error().code() != Errc::not_found) {
    return fail(Error(doc.error()).in("server.json must be repaired first"));
  }
  Json changed = doc.value_or(Json::object());
  set_policy_text(changed, key, value);
  return write_own_file(file, changed, Sync::disk);
}

Result<void> StateDir::touch_alive(const NodeName& node, const Alive& alive) const {
  const std::string path = node_file(node, "alive");
  clear_the_way(path);
  const UniqueFd fd{
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kOwnFileMode)};
  if (!fd) return fail(errno_error(errno, path));
  const timespec times[2] = {to_timespec(alive.unwritten_since.value_or(alive.at)),
                             to_timespec(alive.at)};
  if (::futimens(fd.get(), times) != 0) return fail(errno_error(errno, path));
  return {};
}

}  // namespace reversi::server

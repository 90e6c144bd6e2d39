#include "client/io/client_state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "client/io/system.h"
#include "common/core/json_fields.h"
#include "common/io/files.h"
#include "common/io/log.h"

namespace reversi::client {
namespace {

constexpr std::size_t kInstanceBytes = 16;
constexpr std::size_t kMostPolicyBytes = 16 * 1024;
constexpr Millis kLockLimit{500};
constexpr std::size_t kMostKeptAddresses = 64;

bool is_hex(std::string_view text) {
  return text.size() == 2 * kInstanceBytes && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string load_instance(const std::string& state_dir) {
  const std::string file = state_dir + "/instance";
  std::string text = read_file(file, 1024).value_or("");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (is_hex(text)) return text;
  text = random_hex(kInstanceBytes);
  // On a first start the directory that the configuration names need not be there.
  const auto ok = make_directories(state_dir, 0700).and_then([&] {
    return write_file(file, text + "\n", 0600, Sync::disk);
  });
  if (!ok) {
    log_warning("the instance is not kept: " + ok.error().line());
  }
  return text;
}

/// 128 bits of FNV-1a in two halves: no secret goes in, and nothing depends on it being one-way.
std::string fingerprint(std::string_view facts) {
  std::string text;
  for (const std::uint64_t basis : {0xcbf29ce484222325U, 0x84222325cbf29ce4U}) {
    std::uint64_t hash = basis;
    for (const char c : facts) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[(hash >> shift) & 15];
  }
  return text;
}

std::string lock_path(const std::string& run_dir) {
  return run_dir + "/lock";
}
std::string state_lock_path(const std::string& state_dir) {
  return state_dir + "/supervisor.lock";
}

/// Replaces what a lock file says; a full disk leaves it empty, and the lock holds all the same.
bool write_note(const UniqueFd& lock, const std::string& text) {
  return ::ftruncate(lock.get(), 0) == 0 &&
         ::pwrite(lock.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

std::string read_note(const UniqueFd& lock) {
  std::array<char, 4096> text{};
  const ssize_t size = ::pread(lock.get(), text.data(), text.size(), 0);
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

/// The lock file, if somebody holds it.
UniqueFd open_held(const std::string& path) {
  UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!fd || ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return {};
  return fd;
}

}  // namespace

std::string run_dir_of(const ClientConfig& config) {
  if (!config.run_dir.empty()) return config.run_dir;
  if (::geteuid() == 0) return default_run_root() + '/' + config.node;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const bool usable = runtime != nullptr && *runtime == '/' && ::access(runtime, W_OK) == 0;
  return usable ? std::string(runtime) + "/reversi/" + config.node : config.state_dir;
}

Identity load_identity(const std::string& state_dir) {
  struct utsname system {};
  ::uname(&system);
  std::string os = system.sysname;
  std::ranges::transform(
      os, os.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return {.instance = load_instance(state_dir),
          .run = random_hex(kInstanceBytes),
          .machine = fingerprint(machine_facts()),
          .version = REVERSI_VERSION,
          .os = os,
          .arch = system.machine};
}

SessionPolicy load_policy(const std::string& state_dir) {
  const std::string file = state_dir + "/policy.json";
  const auto text = read_file(file, kMostPolicyBytes);
  if (!text) return {};
  const auto policy = parse_json(*text).and_then(session_policy_from_json);
  if (policy) return *policy;
  log_warning(file + ": " + policy.error().line() + "; using the defaults");
  return {};
}

Result<void> save_policy(const std::string& state_dir, const SessionPolicy& policy) {
  const std::string text = json_text(session_policy_to_json(policy));
  return write_file_if_changed(state_dir + "/policy.json", text, 0600, Sync::none).map([](bool) {});
}

FormerSessions load_former(const std::string& state_dir,
                           const std::vector<std::string>& addresses) {
  FormerSessions former;
  const auto text = read_file(state_dir + "/former.json", kMostPolicyBytes);
  const auto doc = text ? parse_json(*text) : Result<Json>{Json::object()};
  if (!doc || !doc->is_object()) return former;
  std::vector<std::string> kept;
  Fields whole(*doc);
  whole.may("addresses", kept, kMostKeptAddresses, kMaxNameBytes);
  if (!whole.is_good() || !is_same_machine(kept, addresses)) return former;
  const auto servers = doc->find("servers");
  if (servers == doc->end() || !servers->is_object()) return former;
  for (const auto& item : servers->items()) {
    ServerProcess process;
    Fields fields(item.value());
    fields.need("pid", process.pid, 2, INT32_MAX)
        .need("start_time", process.start_time, 1, INT64_MAX)
        .need("boot_id", process.boot_id, 64);
    if (fields.is_good() && is_usable(process)) former[item.key()] = process;
  }
  return former;
}

Result<void> save_former(const std::string& state_dir, const FormerSessions& former,
                         const std::vector<std::string>& addresses) {
  Json doc{{"addresses", addresses}, {"servers", Json::object()}};
  while (doc["addresses"].size() > kMostKeptAddresses) doc["addresses"].erase(kMostKeptAddresses);
  for (const auto& [server, process] : former) {
    doc["servers"][server] = {
        {"pid", process.pid}, {"start_time", process.start_time}, {"boot_id", process.boot_id}};
  }
  return write_file_if_changed(state_dir + "/former.json", json_text(doc), 0600, Sync::none)
      .map([](bool) {});
}

Result<UniqueFd> take_lock(const std::string& run_dir) {
  if (auto ok = make_directories(run_dir, 0700); !ok) return fail(ok.error());
  auto lock = lock_file(lock_path(run_dir), kLockLimit);
  if (!lock && lock.error().code() == Errc::timeout) {
    const LockHolder holder = lock_holder(run_dir);
    return fail(Errc::exists, "already running with process id " + std::to_string(holder.pid) +
                                  " (" + lock_path(run_dir) + ")");
  }
  if (!lock) return lock;
  if (!write_note(*lock, std::to_string(::getpid()) + "\n")) {
    // Only `status` cannot name us without the socket.
    log_warning(lock_path(run_dir) + ": the process id could not be written");
  }
  return lock;
}

LockHolder lock_holder(const std::string& run_dir) {
  const UniqueFd lock = open_held(lock_path(run_dir));
  if (!lock) return {};
  LockHolder holder{.is_held = true, .pid = 0};
  struct stat info {};
  const bool is_ours = ::fstat(lock.get(), &info) == 0 && info.st_uid == ::geteuid();
  const std::string text = is_ours ? read_note(lock) : "";
  std::from_chars(text.data(), text.data() + text.size(), holder.pid);
  if (holder.pid <= 1) holder.pid = 0;
  return holder;
}

Result<UniqueFd> take_state_lock(const std::string& state_dir, const HolderNote& note) {
  if (auto ok = make_directories(state_dir, 0700); !ok) return fail(ok.error());
  const std::string path = state_lock_path(state_dir);
  auto lock = lock_file(path, kLockLimit);
  if (!lock && lock.error().code() == Errc::timeout) {
    return fail(Errc::exists, path + ": another supervisor uses this directory; each needs a " +
                                  "state_dir of its own");
  }
  if (lock) note_holder(*lock, note);
  return lock;
}

void note_holder(const UniqueFd& state_lock, const HolderNote& note) {
  const std::string text = note.node + '\n' + note.run_dir + '\n';
  if (read_note(state_lock) != text) static_cast<void>(write_note(state_lock, text));
}

FoundSupervisor find_supervisor(const ClientConfig& config) {
  FoundSupervisor found{{}, run_dir_of(config)};
  found.holder = lock_holder(found.run_dir);
  if (found.holder.is_held) return found;
  const UniqueFd lock = open_held(state_lock_path(config.state_dir));
  if (!lock) return found;
  const std::string text = read_note(lock);
  const auto node_end = text.find('\n');
  const auto end = text.find('\n', node_end + 1);
  // Another node's supervisor, which has this directory wrongly, is not the one that is asked for.
  if (node_end == std::string::npos || end == std::string::npos ||
      text.substr(0, node_end) != config.node) {
    return found;
  }
  found.run_dir = text.substr(node_end + 1, end - node_end - 1);
  found.holder = {.is_held = true, .pid = lock_holder(found.run_dir).pid};
  return found;
}

}  // namespace reversi::client

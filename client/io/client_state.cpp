#include "client/io/client_state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

}  // namespace

std::string run_dir_of(const ClientConfig& config) {
  if (!config.run_dir.empty()) return config.run_dir;
  if (::geteuid() == 0) return "/run/reversi/" + config.node;
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

Result<UniqueFd> take_lock(const std::string& run_dir) {
  if (auto ok = make_directories(run_dir, 0700); !ok) return fail(ok.error());
  auto lock = lock_file(lock_path(run_dir), kLockLimit);
  if (!lock && lock.error().code() == Errc::timeout) {
    const LockHolder holder = lock_holder(run_dir);
    return fail(Errc::exists, "already running with process id " + std::to_string(holder.pid) +
                                  " (" + lock_path(run_dir) + ")");
  }
  if (!lock) return lock;
  const std::string pid = std::to_string(::getpid()) + "\n";
  const bool written =
      ::ftruncate(lock->get(), 0) == 0 &&
      ::pwrite(lock->get(), pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
  // On a full disk the lock holds all the same; only `status` cannot name us without the socket.
  if (!written) log_warning(lock_path(run_dir) + ": the process id could not be written");
  return lock;
}

LockHolder lock_holder(const std::string& run_dir) {
  const UniqueFd fd{
      ::open(lock_path(run_dir).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!fd || ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0) return {};
  std::array<char, 32> text{};
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  LockHolder holder{.is_held = true, .pid = 0};
  if (size > 0) std::from_chars(text.data(), text.data() + size, holder.pid);
  return holder;
}

}  // namespace reversi::client

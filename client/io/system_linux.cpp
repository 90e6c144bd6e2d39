#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <vector>

#include "client/io/system.h"
#include "common/io/files.h"
#include "common/io/system_error.h"

namespace reversi::client {
namespace {

constexpr std::size_t kLongestSocketPath = 107;
constexpr std::size_t kMostStatBytes = 4096;

/// Files below /proc and /sys are regular but say size 0; read_file() takes what they give.
std::string fact(const std::string& path) {
  return read_file(path, kMostStatBytes).value_or("");
}

}  // namespace

Result<std::string> executable_path() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail(Errc::io, "/proc/self/exe: " + error.message());
  return path.string();
}

std::string default_run_root() {
  return "/run/reversi";
}

Result<std::string> own_program() {
  return "/proc/self/exe";
}

bool is_stopped(pid_t pid) {
  const std::string stat = fact("/proc/" + std::to_string(pid) + "/stat");
  // "123 (name) T …": the name may contain anything, so the last ")" counts (proc(5)).
  const auto name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.size() > name_end + 2 && stat[name_end + 2] == 'T';
}

bool die_with_parent(pid_t parent) {
  return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == parent;
}

std::optional<pid_t> peer_process(int socket_fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  return known && peer.pid > 1 ? std::optional(peer.pid) : std::nullopt;
}

std::vector<std::string> hardware_addresses(const std::string& interfaces) {
  constexpr std::string_view kPermanent = "0\n";  // NET_ADDR_PERM
  constexpr std::size_t kAddressBytes = 17;
  std::vector<std::string> addresses;
  std::error_code error;
  std::filesystem::directory_iterator entry(interfaces, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string path = entry->path().string();
    std::error_code none;
    const bool is_hardware = std::filesystem::exists(path + "/device", none);
    if (!is_hardware || fact(path + "/addr_assign_type") != kPermanent) continue;
    const std::string address = fact(path + "/address").substr(0, kAddressBytes);
    const bool is_set =
        address.size() == kAddressBytes && address.find_first_not_of("0:") != std::string::npos;
    if (is_set) addresses.push_back(address);
  }
  std::ranges::sort(addresses);
  return addresses;
}

std::string machine_facts() {
  std::string text = fact("/proc/sys/kernel/random/boot_id");
  for (const std::string& address : hardware_addresses()) text += address + '\n';
  return text;
}

Result<SocketPath> socket_path(const std::string& directory, const std::string& name) {
  const std::string direct = directory + "/" + name;
  if (direct.size() <= kLongestSocketPath) return SocketPath{direct, UniqueFd{}};
  UniqueFd holder{::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!holder) return fail(errno_error(errno, directory));
  std::string text = "/proc/self/fd/" + std::to_string(holder.get()) + "/" + name;
  return SocketPath{std::move(text), std::move(holder)};
}

}  // namespace reversi::client

#include <ifaddrs.h>
#include <libproc.h>
#include <mach-o/dyld.h>
#include <net/if_dl.h>
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <vector>

#include "client/io/system.h"

namespace reversi::client {
namespace {

constexpr std::size_t kLongestSocketPath = sizeof(sockaddr_un::sun_path) - 1;

std::string boot_session() {
  std::array<char, 64> text{};
  std::size_t size = text.size() - 1;
  const bool known = ::sysctlbyname("kern.bootsessionuuid", text.data(), &size, nullptr, 0) == 0;
  return known ? text.data() : "";
}

}  // namespace

Result<std::string> executable_path() {
  std::array<char, 4096> path{};
  auto size = static_cast<std::uint32_t>(path.size());
  if (::_NSGetExecutablePath(path.data(), &size) != 0) {
    return fail(Errc::io, "the path of this program is longer than 4096 bytes");
  }
  std::error_code error;
  const auto real = std::filesystem::canonical(path.data(), error);
  if (error) return fail(Errc::io, std::string(path.data()) + ": " + error.message());
  return real.string();
}

std::string default_run_root() {
  return "/var/run/reversi";
}

Result<std::string> own_program() {
  return executable_path();
}

bool is_stopped(pid_t pid) {
  proc_bsdinfo info{};
  return ::proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, sizeof info) == sizeof info &&
         info.pbi_status == SSTOP;
}

bool die_with_parent(pid_t parent) {
  return ::getppid() == parent;  // no signal here: the worker ends when its commands do
}

std::optional<pid_t> peer_process(int socket_fd) {
  pid_t pid = 0;
  socklen_t size = sizeof pid;
  const bool known = ::getsockopt(socket_fd, SOL_LOCAL, LOCAL_PEERPID, &pid, &size) == 0;
  return known && pid > 1 ? std::optional(pid) : std::nullopt;
}

std::vector<std::string> hardware_addresses(const std::string& /*interfaces*/) {
  constexpr int kAddressBytes = 6;  // a loopback or tunnel interface has none
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  std::vector<std::string> addresses;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_LINK) continue;
    const auto* link = reinterpret_cast<const sockaddr_dl*>(each->ifa_addr);
    if (link->sdl_alen != kAddressBytes) continue;
    std::string text;
    for (int i = 0; i < kAddressBytes; ++i) {
      const auto byte = static_cast<unsigned char>(LLADDR(link)[i]);
      text += i == 0 ? "" : ":";
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    addresses.push_back(std::move(text));
  }
  std::ranges::sort(addresses);
  return addresses;
}

std::string machine_facts() {
  std::string text = boot_session();
  for (const std::string& address : hardware_addresses()) text += address + '\n';
  return text;
}

Result<SocketPath> socket_path(const std::string& directory, const std::string& name) {
  std::string path = directory + "/" + name;
  if (path.size() <= kLongestSocketPath) return SocketPath{std::move(path), UniqueFd{}};
  return fail(Errc::config, path + ": longer than " + std::to_string(kLongestSocketPath) +
                                " bytes; name a shorter run_dir in the configuration");
}

}  // namespace reversi::client

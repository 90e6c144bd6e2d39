#include "common/io/lost_address.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "common/io/unique_fd.h"

namespace reversi {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] int family() const { return storage.ss_family; }
  void any_port() {
    if (family() == AF_INET) reinterpret_cast<sockaddr_in&>(storage).sin_port = 0;
    if (family() == AF_INET6) reinterpret_cast<sockaddr_in6&>(storage).sin6_port = 0;
  }
};

struct FreeList {
  void operator()(ifaddrs* list) const noexcept { ::freeifaddrs(list); }
};

bool is_same(const sockaddr* one, const sockaddr* other) {
  if (one->sa_family != other->sa_family) return false;
  if (one->sa_family == AF_INET) {
    const auto& a = reinterpret_cast<const sockaddr_in*>(one)->sin_addr;
    return std::memcmp(&a, &reinterpret_cast<const sockaddr_in*>(other)->sin_addr, sizeof a) == 0;
  }
  const auto& a = reinterpret_cast<const sockaddr_in6*>(one)->sin6_addr;
  return std::memcmp(&a, &reinterpret_cast<const sockaddr_in6*>(other)->sin6_addr, sizeof a) == 0;
}

bool has_interface(const sockaddr* address) {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return true;
  const std::unique_ptr<ifaddrs, FreeList> list(first);
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr != nullptr && is_same(each->ifa_addr, address)) return true;
  }
  return false;
}

}  // namespace

bool has_lost_address(int socket_fd) {
  Address own;
  Address peer;
  if (::getsockname(socket_fd, own.get(), &own.size) != 0) return false;
  if (::getpeername(socket_fd, peer.get(), &peer.size) != 0) return false;
  if (own.family() != AF_INET && own.family() != AF_INET6) return false;
  // An address that an interface is about to get again (IPv6 looks for duplicates first) cannot be
  // bound yet, and a route can make an address ours that no interface has: both are needed.
  if (has_interface(own.get())) return false;
  own.any_port();
  // Datagram sockets: binding and connecting one sends nothing.
  const UniqueFd there{::socket(own.family(), SOCK_DGRAM, 0)};
  const bool is_gone =
      there && ::bind(there.get(), own.get(), own.size) != 0 && errno == EADDRNOTAVAIL;
  if (!is_gone) return false;
  const UniqueFd way{::socket(own.family(), SOCK_DGRAM, 0)};
  return way && ::connect(way.get(), peer.get(), peer.size) == 0;
}

}  // namespace reversi

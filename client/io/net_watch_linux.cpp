// rtnetlink(7): the kernel tells every change of an address and a route.

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "client/io/net_watch.h"
#include "common/io/system_error.h"
#include "common/io/unique_fd.h"

namespace reversi::client {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kTellAtMostEvery{1};

constexpr std::size_t kMostWatchedAddresses = 1024;

/// The fixed part after the header, or nothing where the message is too short for it.
template <class Body>
std::optional<Body> body_of(const nlmsghdr& header, const char* message) {
  if (header.nlmsg_len < NLMSG_LENGTH(sizeof(Body))) return std::nullopt;
  Body body{};
  std::memcpy(&body, message + NLMSG_HDRLEN, sizeof body);
  return body;
}

/// What tells one address from another: interface, family and the address itself, as bytes.
std::string address_key(const nlmsghdr& header, const char* message, const ifaddrmsg& body) {
  std::string key = std::to_string(body.ifa_index) + '/' + std::to_string(body.ifa_family) + '/';
  std::size_t at = NLMSG_SPACE(sizeof(ifaddrmsg));
  while (at + sizeof(rtattr) <= header.nlmsg_len) {
    rtattr attribute{};
    std::memcpy(&attribute, message + at, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > header.nlmsg_len - at) break;
    if (attribute.rta_type == IFA_ADDRESS) {
      key.append(message + at + RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0));
    }
    at += RTA_ALIGN(attribute.rta_len);
  }
  return key;
}

class LinuxNetWatch : public NetWatch {
 public:
  LinuxNetWatch(asio::any_io_executor executor, UniqueFd socket, Handler handler)
      : socket_(executor, socket.release()), timer_(executor), handler_(std::move(handler)) {
    read();
  }

 private:
  void read() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [this](const boost::system::error_code& ec, std::size_t size) {
                              if (ec == asio::error::operation_aborted) return;
                              // Lost messages (ENOBUFS) are changes too.
                              const char* what = ec ? "many changes of the network" : find(size);
                              if (what != nullptr) tell(what);
                              if (!ec || ec == boost::system::errc::no_buffer_space) read();
                            });
  }

  const char* find(std::size_t size) {
    const char* found = nullptr;
    for (std::size_t at = 0; at + sizeof(nlmsghdr) <= size;) {
      nlmsghdr header{};
      std::memcpy(&header, buffer_.data() + at, sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > size - at) break;
      if (const char* what = meaning(header, buffer_.data() + at)) found = what;
      at += NLMSG_ALIGN(header.nlmsg_len);
    }
    return found;
  }

  /// Routers refresh IPv6 addresses every few minutes, which is no change; neither are routes of
  /// single neighbours, which come and go all day and cut nothing.
  const char* meaning(const nlmsghdr& header, const char* message) {
    const auto type = header.nlmsg_type;
    if (type == RTM_NEWADDR || type == RTM_DELADDR) {
      const auto body = body_of<ifaddrmsg>(header, message);
      if (!body) return nullptr;
      const std::string key = address_key(header, message, *body);
      if (addresses_.size() >= kMostWatchedAddresses) addresses_.clear();
      if (type == RTM_NEWADDR) return addresses_.insert(key).second ? "a new address" : nullptr;
      addresses_.erase(key);
      return "an address is gone";
    }
    if (type != RTM_NEWROUTE && type != RTM_DELROUTE) return nullptr;
    const auto body = body_of<rtmsg>(header, message);
    const bool everywhere = body && body->rtm_dst_len == 0 && body->rtm_table != RT_TABLE_LOCAL;
    return everywhere ? "the default route changed" : nullptr;
  }

  /// At the end of a burst, not at its beginning: the new route is there by then.
  void tell(const char* what) {
    if (std::exchange(is_timed_, true)) return;
    timer_.expires_after(kTellAtMostEvery);
    timer_.async_wait([this, what](const boost::system::error_code& ec) {
      if (ec) return;
      is_timed_ = false;
      handler_(what);
    });
  }

  asio::posix::stream_descriptor socket_;
  asio::steady_timer timer_;
  Handler handler_;
  bool is_timed_ = false;
  std::set<std::string> addresses_;  // that came since we watch
  alignas(nlmsghdr) std::array<char, 16 * 1024> buffer_{};
};

}  // namespace

Result<std::unique_ptr<NetWatch>> NetWatch::open(asio::any_io_executor executor, Handler handler) {
  UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
  if (!socket) return fail(errno_error(errno, "netlink"));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups =
      RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(errno_error(errno, "netlink"));
  }
  return std::unique_ptr<NetWatch>(
      std::make_unique<LinuxNetWatch>(executor, std::move(socket), std::move(handler)));
}

}  // namespace reversi::client

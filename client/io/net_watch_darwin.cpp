// route(4): the kernel tells every change of an address and a route.

#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "client/io/net_watch.h"
#include "common/io/platform.h"
#include "common/io/system_error.h"

namespace reversi::client {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kTellAtMostEvery{1};

/// The destination comes first of the addresses behind the header, and is all zeros but for length and family.
bool is_default_route(const rt_msghdr& header, const char* message, std::size_t size) {
  if ((header.rtm_addrs & RTA_DST) == 0 || (header.rtm_flags & (RTF_HOST | RTF_LLINFO)) != 0) return false;
  const std::size_t left = size - sizeof header;
  const char* destination = message + sizeof header;
  sockaddr_in6 address{};
  if (left < sizeof(sockaddr)) return false;
  std::memcpy(&address, destination, std::min(left, sizeof address));
  if (address.sin6_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, destination, sizeof v4);
    return v4.sin_addr.s_addr == INADDR_ANY;
  }
  return address.sin6_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address.sin6_addr);
}

const char* meaning(const char* message, std::size_t size) {
  // Every message begins as an rt_msghdr does: length, version, type.
  rt_msghdr header{};
  if (size < offsetof(rt_msghdr, rtm_index)) return nullptr;
  std::memcpy(&header, message, std::min(size, sizeof header));
  if (header.rtm_version != RTM_VERSION) return nullptr;
  switch (header.rtm_type) {
    case RTM_NEWADDR:
      return "a new address";
    case RTM_DELADDR:
      return "an address is gone";
    case RTM_ADD:
    case RTM_DELETE:
    case RTM_CHANGE:
      return size > sizeof header && is_default_route(header, message, size)
                 ? "the default route changed"
                 : nullptr;
    default:
      return nullptr;
  }
}

class DarwinNetWatch : public NetWatch {
 public:
  DarwinNetWatch(asio::any_io_executor executor, UniqueFd socket, Handler handler)
      : socket_(executor, socket.release()), timer_(executor), handler_(std::move(handler)) {
    read();
  }

 private:
  void read() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [this](const boost::system::error_code& ec, std::size_t size) {
                              if (ec == asio::error::operation_aborted) return;
                              // Lost messages (ENOBUFS) are changes too. One read is one message.
                              const char* what = ec ? "many changes of the network"
                                                    : meaning(buffer_.data(), size);
                              if (what != nullptr) tell(what);
                              if (!ec || ec == boost::system::errc::no_buffer_space) read();
                            });
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
  alignas(rt_msghdr) std::array<char, 4 * 1024> buffer_{};
};

}  // namespace

Result<std::unique_ptr<NetWatch>> NetWatch::open(asio::any_io_executor executor, Handler handler) {
  UniqueFd socket = open_socket(PF_ROUTE, SOCK_RAW);
  if (!socket) return fail(errno_error(errno, "route socket"));
  return std::unique_ptr<NetWatch>(
      std::make_unique<DarwinNetWatch>(executor, std::move(socket), std::move(handler)));
}

}  // namespace reversi::client

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/io/unique_fd.h"
#include "server/io/session_progress.h"

namespace reversi::server {
namespace {

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

/// Writes the address into the request's field; false if it is of another family. "fe80::1%eth0"
/// sets the interface too.
bool put_address(int family, const std::string& text, __be32* field, __u32& interface) {
  const std::size_t percent = text.find('%');
  if (percent != std::string::npos) interface = ::if_nametoindex(text.c_str() + percent + 1);
  return ::inet_pton(family, text.substr(0, percent).c_str(), field) == 1;
}

std::optional<Request> make_request(const SshConnection& connection) {
  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  const int family = connection.client_address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  request.body.sdiag_family = static_cast<__u8>(family);
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_ext = 1U << (INET_DIAG_INFO - 1);
  request.body.idiag_states = ~0U;
  auto& id = request.body.id;
  id.idiag_sport = htons(connection.server_port);
  id.idiag_dport = htons(connection.client_port);
  id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  if (!put_address(family, connection.server_address, id.idiag_src, id.idiag_if) ||
      !put_address(family, connection.client_address, id.idiag_dst, id.idiag_if)) {
    return std::nullopt;
  }
  return request;
}

/// The tcp_info attribute of a reply; shorter from older kernels, so what is missing reads as 0.
std::optional<tcp_info> find_info(const inet_diag_msg& message, std::size_t size) {
  const auto* bytes = reinterpret_cast<const char*>(&message);
  std::size_t at = NLMSG_ALIGN(sizeof message);
  while (at + sizeof(rtattr) <= size) {
    rtattr attribute{};
    std::memcpy(&attribute, bytes + at, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || at + attribute.rta_len > size) return std::nullopt;
    if (attribute.rta_type == INET_DIAG_INFO) {
      tcp_info info{};
      std::memcpy(&info, bytes + at + RTA_LENGTH(0),
                  std::min(sizeof info, attribute.rta_len - RTA_LENGTH(0)));
      return info;
    }
    at += RTA_ALIGN(attribute.rta_len);
  }
  return std::nullopt;
}

}  // namespace

std::optional<SshConnection> parse_ssh_connection(std::string_view text) {
  std::array<std::string_view, 4> words;
  for (auto& word : words) {
    const std::size_t end = std::min(text.find(' '), text.size());
    word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  constexpr std::size_t kMaxAddressBytes = INET6_ADDRSTRLEN + IF_NAMESIZE + 1;
  const auto client_port = parse_port(words[1]);
  const auto server_port = parse_port(words[3]);
  const bool is_good = client_port && server_port && !words[0].empty() && !words[2].empty() &&
                       words[0].size() < kMaxAddressBytes && words[2].size() < kMaxAddressBytes;
  if (!is_good) return std::nullopt;
  return SshConnection{std::string(words[0]), *client_port, std::string(words[2]), *server_port};
}

std::optional<ProgressSample> session_progress(const SshConnection& connection) {
  const auto request = make_request(connection);
  const UniqueFd fd{::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
  if (!request || !fd) return std::nullopt;
  if (::send(fd.get(), &*request, sizeof *request, 0) < 0) return std::nullopt;
  // The kernel answers inside send(); a limit all the same.
  pollfd wait{.fd = fd.get(), .events = POLLIN, .revents = 0};
  constexpr int kLimitMs = 100;
  if (::poll(&wait, 1, kLimitMs) != 1) return std::nullopt;
  alignas(nlmsghdr) std::array<char, 4096> reply{};
  const ssize_t got = ::recv(fd.get(), reply.data(), reply.size(), 0);
  const auto* header = reinterpret_cast<const nlmsghdr*>(reply.data());
  if (got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(inet_diag_msg))) ||
      header->nlmsg_len > static_cast<std::size_t>(got) ||
      header->nlmsg_type != SOCK_DIAG_BY_FAMILY) {
    return std::nullopt;
  }
  const auto* message = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
  const auto info = find_info(*message, header->nlmsg_len - NLMSG_HDRLEN);
  if (!info) return std::nullopt;
  return ProgressSample{.bytes_received = info->tcpi_bytes_received,
                        .bytes_acked = info->tcpi_bytes_acked,
                        .has_unacked = message->idiag_wqueue > 0};
}

std::optional<bool> can_tell_progress() {
  const UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const UniqueFd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const bool is_connected =
      ::bind(listener.get(), raw, size) == 0 && ::listen(listener.get(), 1) == 0 &&
      ::getsockname(listener.get(), raw, &size) == 0 && ::connect(client.get(), raw, size) == 0;
  const Port server_port = ntohs(address.sin_port);
  if (!is_connected || ::getsockname(client.get(), raw, &size) != 0) return std::nullopt;
  const std::string localhost = "127.0.0.1";
  return session_progress({localhost, ntohs(address.sin_port), localhost, server_port}).has_value();
}

}  // namespace reversi::server

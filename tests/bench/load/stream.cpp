#include "tests/bench/load/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace reversi::bench {
namespace {

constexpr int kBacklog = 4096;
constexpr int kSendBuffer = 128 * 1024;
constexpr std::size_t kMostDiscarded = std::size_t{1} << 20;

bool would_block() {
  return errno == EAGAIN || errno == EINTR;
}

void check(int result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void set(int fd, int level, int option, int value = 1) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

/// Both ends of every connection. Left alone, the kernel lets a thousand streams that wait pile up
/// gigabytes, and slows down all TCP of the machine when they reach tcp_mem (tcp(7)).
void prepare(int fd) {
  set(fd, IPPROTO_TCP, TCP_NODELAY);
  set(fd, SOL_SOCKET, SO_SNDBUF, kSendBuffer);
}

}  // namespace

Stream::Stream(EventLoop& loop, UniqueFd socket, std::uint32_t events)
    : loop_(loop), socket_(std::move(socket)), wanted_(events) {
  loop_.watch(socket_.get(), events, *this);
}

void Stream::discard() {
  // With MSG_TRUNC the kernel drops the bytes without copying them (tcp(7)).
  const auto got = ::recv(socket_.get(), nullptr, kMostDiscarded, MSG_TRUNC | MSG_DONTWAIT);
  if (got > 0) carried_ += static_cast<std::uint64_t>(got);
  if (got <= 0) end_unless_later(got);
}

std::size_t Stream::receive(std::span<char> buffer) {
  const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0) return static_cast<std::size_t>(got);
  end_unless_later(got);
  return 0;
}

void Stream::end_unless_later(std::int64_t got) {
  if (got == 0) {
    end();
  } else if (!would_block()) {
    fail();
  }
}

std::size_t Stream::send(std::span<const char> data) {
  const auto sent = ::send(socket_.get(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (!would_block()) fail();
  return 0;
}

void Stream::shut_down_writing() {
  ::shutdown(socket_.get(), SHUT_WR);
}

void Stream::want(std::uint32_t events) {
  if (!socket_ || events == wanted_) return;
  wanted_ = events;
  loop_.change(socket_.get(), events, *this);
}

void Stream::fail() {
  failed_ = true;
  end();
}

UniqueFd connect_to(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = loopback(port);
  check(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
        "connect to port " + std::to_string(port));
  prepare(fd.get());
  check(::fcntl(fd.get(), F_SETFL, O_NONBLOCK), "fcntl");
  return fd;
}

UniqueFd listen_on(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  set(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  const auto address = loopback(port);
  const auto what = "listen on port " + std::to_string(port);
  check(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), what);
  check(::listen(fd.get(), kBacklog), what);
  return fd;
}

UniqueFd accept_from(int listener) {
  UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd) prepare(fd.get());
  return fd;
}

}  // namespace reversi::bench

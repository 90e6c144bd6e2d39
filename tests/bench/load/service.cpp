#include "tests/bench/load/service.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "tests/bench/load/pattern.h"

namespace reversi::bench {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr std::size_t kEchoBytes = std::size_t{64} * 1024;

class Sink : public Stream {
 public:
  Sink(EventLoop& loop, UniqueFd socket) : Stream(loop, std::move(socket), EPOLLIN) {}
  void on_events(std::uint32_t /*events*/) override { discard(); }
};

class Source : public Stream {
 public:
  Source(EventLoop& loop, UniqueFd socket) : Stream(loop, std::move(socket), EPOLLIN) {}

  void on_events(std::uint32_t events) override {
    if ((events & EPOLLIN) != 0) {
      std::array<char, 64> asked{};
      if (receive(asked) > 0) want(EPOLLIN | EPOLLOUT);
    }
    if (!is_over() && (events & EPOLLOUT) != 0) send(bulk());
    // A peer that is gone without its way ended first.
    if (!is_over() && (events & (EPOLLERR | EPOLLHUP)) != 0) fail();
  }
};

class Echo : public Stream {
 public:
  Echo(EventLoop& loop, UniqueFd socket) : Stream(loop, std::move(socket), EPOLLIN) {}

  void on_events(std::uint32_t /*events*/) override {
    if (!pending_.empty()) {
      pending_.erase(0, send(pending_));
    } else {
      static std::array<char, kEchoBytes> buffer;  // of all, because most have nothing pending
      const auto got = std::span<const char>(buffer).first(receive(buffer));
      const auto rest = got.empty() ? got : got.subspan(send(got));
      pending_.assign(rest.begin(), rest.end());
    }
    want(pending_.empty() ? EPOLLIN : EPOLLOUT);
  }

 private:
  std::string pending_;  // not sent yet
};

class Greeter : public Stream {
 public:
  Greeter(EventLoop& loop, UniqueFd socket) : Stream(loop, std::move(socket), EPOLLIN) {
    send(bulk().first(1));
  }
  void on_events(std::uint32_t /*events*/) override { discard(); }
};

}  // namespace

Service::Service(EventLoop& loop, std::uint16_t port, Make make)
    : loop_(loop), listener_(listen_on(port)), make_(std::move(make)) {
  loop_.watch(listener_.get(), EPOLLIN, *this);
}

void Service::on_events(std::uint32_t /*events*/) {
  drop_over();
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    UniqueFd socket = accept_from(listener_.get());
    if (!socket) return;
    streams_.push_back(make_(loop_, std::move(socket)));
  }
}

std::list<std::unique_ptr<Stream>>& Service::streams() {
  drop_over();
  return streams_;
}

void Service::drop_over() {
  std::erase_if(streams_, [](const auto& stream) { return stream->is_over(); });
}

std::unique_ptr<Stream> make_sink(EventLoop& loop, UniqueFd socket) {
  return std::make_unique<Sink>(loop, std::move(socket));
}

std::unique_ptr<Stream> make_source(EventLoop& loop, UniqueFd socket) {
  return std::make_unique<Source>(loop, std::move(socket));
}

std::unique_ptr<Stream> make_echo(EventLoop& loop, UniqueFd socket) {
  return std::make_unique<Echo>(loop, std::move(socket));
}

std::unique_ptr<Stream> make_greeter(EventLoop& loop, UniqueFd socket) {
  return std::make_unique<Greeter>(loop, std::move(socket));
}

}  // namespace reversi::bench

#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>

#include "tests/bench/load/event_loop.h"
#include "tests/bench/load/stream.h"

namespace reversi::bench {

/// The node's end of the load: a listener, and a stream of one kind for each connection.
///
///   sink     takes everything; its end follows the peer's
///   source   sends from the peer's first byte on until the peer ended its way
///   echo     sends back what comes, with the peer's pace; its end follows the peer's
///   greeter  says one byte at once, as a server does that speaks first
class Service : public Watched {
 public:
  using Make = std::function<std::unique_ptr<Stream>(EventLoop&, UniqueFd)>;

  Service(EventLoop& loop, std::uint16_t port, Make make);

  void on_events(std::uint32_t events) override;

  /// Those that are not over, in the order they came in.
  [[nodiscard]] std::list<std::unique_ptr<Stream>>& streams();

 private:
  void drop_over();

  EventLoop& loop_;
  UniqueFd listener_;
  Make make_;
  std::list<std::unique_ptr<Stream>> streams_;
};

[[nodiscard]] std::unique_ptr<Stream> make_sink(EventLoop& loop, UniqueFd socket);
[[nodiscard]] std::unique_ptr<Stream> make_source(EventLoop& loop, UniqueFd socket);
[[nodiscard]] std::unique_ptr<Stream> make_echo(EventLoop& loop, UniqueFd socket);
[[nodiscard]] std::unique_ptr<Stream> make_greeter(EventLoop& loop, UniqueFd socket);

}  // namespace reversi::bench

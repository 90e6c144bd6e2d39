#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/load/event_loop.h"
#include "tests/bench/load/service.h"

namespace reversi::bench {

class Pinger;
class Receiver;
class Sender;

/// What the receiving ends got between two moments.
struct Shares {
  double seconds = 0;
  std::size_t streams = 0;
  std::size_t starved = 0;  // got nothing
  std::uint64_t sum = 0, least = 0, most = 0;
};

/// The user's end of the load. Every command connects to a port of 127.0.0.1, the exposed one of a
/// tunnel or a service itself, and answers with one JSON object of figures.
///
/// @throws std::runtime_error  a connection failed, ended early or took too long
class Commands {
 public:
  Commands(EventLoop& loop, Service& sink);
  ~Commands();

  /// Bulk data to sinks, or from sources, on so many streams. Measured at the receiving end, for
  /// `seconds` after `warm_up` ones. Then every stream is ended by its end of data, so that "bytes"
  /// is what the tunnel carried from beginning to end, and the processor time it took can be held
  /// against it.
  std::string push(std::uint16_t port, std::size_t streams, double warm_up, double seconds);
  std::string pull(std::uint16_t port, std::size_t streams, double warm_up, double seconds);

  /// 64 bytes to an echo and back, again and again: "p50" and "p99" in microseconds, "count".
  std::string latency(std::uint16_t port, double seconds);

  /// 1 KiB to an echo and back, again and again, on so many streams at once: "least" and "most" bytes
  /// that one stream got back, how many "starved", with none. Bounded so that sshd is not what is
  /// measured: it takes up to 2 MiB from every stream that offers more before it passes anything on.
  std::string exchange(std::uint16_t port, std::size_t streams, double warm_up, double seconds);

  /// Connections one after the other to a greeter: "per_second".
  std::string connections(std::uint16_t port, double seconds);

  /// Opens connections to an echo that stay after one round trip each, and ends those of before.
  std::string hold(std::uint16_t port, std::size_t count);

  /// So many bytes to an echo and back at once, compared: "bytes" came back as they were sent.
  std::string intact(std::uint16_t port, std::uint64_t bytes);

 private:
  using Senders = std::vector<std::unique_ptr<Sender>>;
  using Receivers = std::vector<std::unique_ptr<Receiver>>;
  Shares measure_push(const Senders& senders, double warm_up, double seconds);
  Shares measure_pull(const Receivers& receivers, double warm_up, double seconds);
  /// Opens the held connections, and waits for one round trip of so many bytes on each.
  void open_pingers(std::uint16_t port, std::size_t count, std::size_t bytes);
  void release();

  EventLoop& loop_;
  Service& sink_;
  std::vector<std::unique_ptr<Pinger>> held_;
};

}  // namespace reversi::bench

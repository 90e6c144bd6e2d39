#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "tests/bench/load/commands.h"

/// Both ends of the load on a tunnel, in one process and one thread.
///
///   load SINK SOURCE ECHO GREETER     the ports to serve on, on 127.0.0.1
///
/// Each line on standard input is a command of commands.h with its arguments, such as
/// "push 10022 8 0.3 1.0"; each is answered by one line, a JSON object, with "error" if it failed. It
/// serves between the commands, too, and ends with its standard input.
namespace reversi::bench {
namespace {

constexpr std::size_t kLongestLine = 200;

/// Lines from standard input.
class Console : public Watched {
 public:
  void on_events(std::uint32_t /*events*/) override {
    std::array<char, kLongestLine> part{};
    const auto got = ::read(STDIN_FILENO, part.data(), part.size());
    is_over_ = got <= 0 || text_.size() > kLongestLine;
    if (got > 0) text_.append(part.data(), static_cast<std::size_t>(got));
  }
  [[nodiscard]] bool has_line() const { return text_.find('\n') != std::string::npos; }
  [[nodiscard]] bool is_over() const { return is_over_; }
  std::string take_line() {
    const auto end = text_.find('\n');
    auto line = text_.substr(0, end);
    text_.erase(0, end + 1);
    return line;
  }

 private:
  std::string text_;
  bool is_over_ = false;
};

using MoveBulk = std::string (Commands::*)(std::uint16_t, std::size_t, double, double);
constexpr std::array<std::pair<std::string_view, MoveBulk>, 4> kBulkVerbs{{
    {"push", &Commands::push},
    {"pull", &Commands::pull},
    {"exchange", &Commands::exchange},
}};

std::string perform(Commands& commands, const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  std::uint16_t port = 0;
  std::uint64_t count = 0;
  double warm_up = 0;
  double seconds = 0;
  words >> verb >> port;
  for (const auto& [name, move] : kBulkVerbs) {
    if (verb == name && words >> count >> warm_up >> seconds) {
      return (commands.*move)(port, count, warm_up, seconds);
    }
  }
  if (verb == "latency" && words >> seconds) return commands.latency(port, seconds);
  if (verb == "connections" && words >> seconds) return commands.connections(port, seconds);
  if (verb == "hold" && words >> count) return commands.hold(port, count);
  if (verb == "intact" && words >> count) return commands.intact(port, count);
  throw std::runtime_error("unknown command, or an argument is missing: " + line);
}

std::uint16_t parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::runtime_error("not a port: " + std::string(text));
  }
  return port;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(std::span<char*> arguments) {
  if (arguments.size() != 5) throw std::runtime_error("usage: load SINK SOURCE ECHO GREETER");
  raise_descriptor_limit();
  EventLoop loop;
  Service sink(loop, parse_port(arguments[1]), make_sink);
  Service source(loop, parse_port(arguments[2]), make_source);
  Service echo(loop, parse_port(arguments[3]), make_echo);
  Service greeter(loop, parse_port(arguments[4]), make_greeter);
  Commands commands(loop, sink);
  Console console;
  loop.watch(STDIN_FILENO, EPOLLIN, console);
  for (;;) {
    loop.run_until(Clock::time_point::max(),
                   [&] { return console.has_line() || console.is_over(); });
    if (!console.has_line()) return EXIT_SUCCESS;
    std::string answer;
    try {
      answer = perform(commands, console.take_line());
    } catch (const std::exception& error) {
      answer = std::string(R"({"error": ")") + error.what() + "\"}";
    }
    std::puts(answer.c_str());
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace reversi::bench

int main(int count, char** arguments) {
  try {
    return reversi::bench::run({arguments, static_cast<std::size_t>(count)});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load: %s\n", error.what());
    return EXIT_FAILURE;
  }
}

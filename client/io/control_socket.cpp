#include "client/io/control_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include "client/io/system.h"
#include "common/core/json_fields.h"
#include "common/core/line_splitter.h"
#include "common/io/clock.h"
#include "common/io/coro.h"
#include "common/io/log.h"
#include "common/io/platform.h"
#include "common/io/system_error.h"

namespace reversi::client {
namespace {

using asio::local::stream_protocol;

constexpr const char* kName = "control.sock";
constexpr std::size_t kMostRequestBytes = 4096;
constexpr std::size_t kMostAnswerBytes = 1024 * 1024;
constexpr int kMostCallers = 8;
constexpr Millis kCallLimit{5000};
constexpr Millis kAcceptPause{1000};  // no descriptors left: try again later, not at once

Json refusal(const std::string& why) {
  return {{"ok", false}, {"error", why}};
}

Result<int> remaining(MonoTime deadline) {
  const auto left = (deadline - mono_now()).count();
  if (left <= 0) return fail(Errc::timeout, "the supervisor does not answer");
  return static_cast<int>(left);
}

Result<UniqueFd> connect_to_supervisor(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd = open_socket(AF_UNIX, SOCK_STREAM);
  if (!fd) return fail(errno_error(errno, "socket"));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    // Its queue is full: nobody has taken a call for a while.
    if (errno == EAGAIN) return fail(Errc::timeout, "the supervisor does not answer");
    return fail(Errc::not_found, path + ": " + errno_text(errno));
  }
  return fd;
}

}  // namespace

struct ControlSocket::Parts {
  stream_protocol::acceptor acceptor;
  Handler handler;
  std::string path;  // as it was bound
  UniqueFd holder;
  int callers = 0;
};

namespace {

asio::awaitable<Json> read_request(stream_protocol::socket& socket,
                                   const ControlSocket::Handler& handler) {
  LineSplitter lines(kMostRequestBytes);
  std::array<char, 1024> chunk{};
  for (;;) {
    if (const auto line = lines.next()) {
      std::string request;
      const auto doc = parse_json(*line);
      if (!doc) co_return refusal(doc.error().line());
      Fields fields(*doc);
      fields.need("request", request, 64);
      if (auto ok = fields.done(); !ok) co_return refusal(ok.error().line());
      co_return handler(request);
    }
    if (lines.is_overlong()) co_return refusal("request too long");
    if (is_ended(co_await asio::this_coro::cancellation_state)) co_return Json(nullptr);
    const auto [ec, size] = co_await socket.async_read_some(asio::buffer(chunk), kAsResult);
    if (ec) co_return Json(nullptr);
    lines.feed({chunk.data(), size});
  }
}

asio::awaitable<void> serve(stream_protocol::socket& socket,
                            const ControlSocket::Handler& handler) {
  const Json answer = co_await read_request(socket, handler);
  if (answer.is_null() || is_ended(co_await asio::this_coro::cancellation_state)) co_return;
  const std::string line = json_line(answer) + '\n';
  co_await asio::async_write(socket, asio::buffer(line), kAsResult);
}

}  // namespace

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(asio::any_io_executor executor,
                                                           const std::string& run_dir,
                                                           Handler handler) {
  auto path = socket_path(run_dir, kName);
  if (!path) return fail(path.error());
  ::unlink(path->text.c_str());
  boost::system::error_code ec;
  stream_protocol::acceptor acceptor(executor);
  acceptor.open(stream_protocol(), ec);
  // The mode is right from the first moment on, not after a chmod that somebody may outrun.
  const mode_t mask = ::umask(0177);
  if (!ec) acceptor.bind(stream_protocol::endpoint(path->text), ec);
  ::umask(mask);
  if (!ec) acceptor.listen(kMostCallers, ec);
  if (ec) return fail(Errc::io, run_dir + "/" + kName + ": " + ec.message());
  std::shared_ptr<Parts> parts(
      new Parts{std::move(acceptor), std::move(handler), path->text, std::move(path->holder), 0});
  const auto accept = [parts]() -> asio::awaitable<void> {
    using namespace asio::experimental::awaitable_operators;
    while (parts->acceptor.is_open()) {
      auto [error, socket] = co_await parts->acceptor.async_accept(kAsResult);
      if (error == asio::error::operation_aborted) co_return;
      if (error || parts->callers >= kMostCallers) {
        asio::steady_timer pause(parts->acceptor.get_executor(), kAcceptPause);
        if (error) co_await pause.async_wait(kAsResult);
        continue;
      }
      ++parts->callers;
      asio::co_spawn(
          parts->acceptor.get_executor(),
          [parts, caller = std::move(socket)]() mutable -> asio::awaitable<void> {
            asio::steady_timer timer(caller.get_executor(), kCallLimit);
            co_await (serve(caller, parts->handler) || timer.async_wait(kAsResult));
            --parts->callers;
          },
          kOrThrow);
    }
  };
  asio::co_spawn(executor, accept, kOrThrow);
  return std::unique_ptr<ControlSocket>(new ControlSocket(std::move(parts)));
}

ControlSocket::~ControlSocket() {
  ::unlink(parts_->path.c_str());
  boost::system::error_code ignored;
  parts_->acceptor.close(ignored);
}

Result<Json> ask_supervisor(const std::string& run_dir, const std::string& request, Millis limit) {
  const MonoTime deadline = mono_now() + limit;
  const auto path = socket_path(run_dir, kName);
  if (!path) return fail(path.error());
  const auto fd = connect_to_supervisor(path->text);
  if (!fd) return fail(fd.error());
  const std::string line = json_line(Json{{"request", request}}) + '\n';
  // One short line into an empty socket buffer: it is taken whole or not at all.
  if (send_now(fd->get(), line) != static_cast<ssize_t>(line.size())) {
    return fail(errno_error(errno, run_dir + "/" + kName));
  }
  LineSplitter lines(kMostAnswerBytes);
  std::array<char, 16 * 1024> chunk{};
  for (;;) {
    if (const auto answer = lines.next()) return parse_json(*answer);
    const auto left = remaining(deadline);
    if (!left) return fail(left.error());
    pollfd wait{fd->get(), POLLIN, 0};
    if (::poll(&wait, 1, *left) <= 0) continue;
    const ssize_t got = ::recv(fd->get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0 || lines.is_overlong()) {
      return fail(Errc::io, "the supervisor ended the call without an answer");
    }
    lines.feed({chunk.data(), static_cast<std::size_t>(got)});
  }
}

std::optional<pid_t> listening_process(const std::string& run_dir) {
  const auto path = socket_path(run_dir, kName);
  const auto fd = path ? connect_to_supervisor(path->text) : Result<UniqueFd>(fail(path.error()));
  return fd ? peer_process(fd->get()) : std::nullopt;
}

}  // namespace reversi::client

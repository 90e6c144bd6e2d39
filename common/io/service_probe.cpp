#include "common/io/service_probe.h"

#include <array>
#include <chrono>

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/write.hpp>

#include "common/io/clock.h"
#include "common/io/coro.h"

namespace reversi {
namespace {

using Outcome = ProbeAnswer::Outcome;

asio::awaitable<ProbeAnswer> talk(asio::ip::tcp::socket& socket, const Expect& expect) {
  const std::string request = expect_request(expect);
  if (!request.empty()) {
    const auto [ec, size] = co_await asio::async_write(socket, asio::buffer(request), kAsResult);
    if (ec) co_return ProbeAnswer{Outcome::broken, ec.message(), {}};
  }
  ExpectMatcher matcher(expect);
  auto step = matcher.step({});  // a `connect` expectation matches without a byte
  std::array<char, 2048> chunk;
  while (step == ExpectMatcher::Step::more) {
    if (is_ended(co_await asio::this_coro::cancellation_state)) break;
    const auto [ec, size] = co_await socket.async_read_some(asio::buffer(chunk), kAsResult);
    if (ec && ec != asio::error::eof) co_return ProbeAnswer{Outcome::broken, ec.message(), {}};
    step = ec ? matcher.end() : matcher.step({chunk.data(), size});
  }
  if (step == ExpectMatcher::Step::match) co_return ProbeAnswer{Outcome::match, {}, {}};
  co_return ProbeAnswer{Outcome::mismatch, matcher.mismatch_reason(), {}};
}

}  // namespace

asio::awaitable<ProbeAnswer> exchange(asio::ip::tcp::socket& socket, const Expect& expect,
                                      Millis limit) {
  using namespace asio::experimental::awaitable_operators;
  const MonoTime begin = mono_now();
  asio::steady_timer timer(socket.get_executor(), limit);
  auto result = co_await (talk(socket, expect) || timer.async_wait(kAsResult));
  ProbeAnswer answer{
      Outcome::silence, "no answer within " + std::to_string(limit.count()) + " ms", {}};
  if (result.index() == 0) answer = std::get<0>(std::move(result));
  answer.elapsed = mono_now() - begin;
  co_return answer;
}

}  // namespace reversi

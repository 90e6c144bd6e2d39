#include "common/io/line_pipe.h"

#include <array>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

#include "common/io/coro.h"

namespace reversi {

LinePipe::LinePipe(asio::any_io_executor executor, UniqueFd in, UniqueFd out, Limits limits)
    : in_(executor, in.release()),
      out_(executor, out.release()),
      limits_(limits),
      splitter_(limits.line_bytes) {
  in_.non_blocking(true);
  out_.non_blocking(true);
}

asio::awaitable<Result<std::string>> LinePipe::read_line() {
  std::array<char, 8192> chunk;
  for (;;) {
    if (const auto line = splitter_.next()) co_return std::string(*line);
    if (splitter_.is_overlong()) {
      co_return fail(Errc::protocol,
                     "line longer than " + std::to_string(limits_.line_bytes) + " bytes");
    }
    const auto [ec, size] = co_await in_.async_read_some(asio::buffer(chunk), kAsResult);
    if (ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor) {
      co_return fail(Errc::timeout, "closed on our side");
    }
    if (ec) co_return fail(Errc::io, ec == asio::error::eof ? "closed" : ec.message());
    splitter_.feed({chunk.data(), size});
  }
}

bool LinePipe::send(std::string line) {
  const bool full = queued_bytes() + line.size() > limits_.queued_bytes;
  if (broken_ || !out_.is_open() || full) return false;
  waiting_ += line;
  if (in_flight_.empty()) write_waiting();
  return true;
}

void LinePipe::write_waiting() {
  // Swapped out, because a send() meanwhile may move the buffer that is being written.
  in_flight_ = std::exchange(waiting_, {});
  asio::async_write(out_, asio::buffer(in_flight_),
                    [this](const boost::system::error_code& ec, std::size_t /*size*/) {
                      if (ec == asio::error::operation_aborted) return;
                      broken_ = ec.failed();
                      in_flight_.clear();
                      if (!broken_ && !waiting_.empty()) write_waiting();
                      if (!broken_ && on_written_) on_written_();
                    });
}

void LinePipe::close() {
  boost::system::error_code ignored;
  in_.close(ignored);
  out_.close(ignored);
}

}  // namespace reversi

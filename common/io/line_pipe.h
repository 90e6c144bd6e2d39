#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "common/core/error.h"
#include "common/core/line_splitter.h"
#include "common/io/unique_fd.h"

namespace reversi {

/// Lines in from one descriptor and out to another: a pipe to a worker, or the agent's stdio.
/// Both are made non-blocking. One reader at a time; any number of send(). Destroy it only when the
/// loop no longer runs, or after close() and one more turn of the loop.
class LinePipe {
 public:
  struct Limits {
    std::size_t line_bytes;    ///< longest line that is accepted
    std::size_t queued_bytes;  ///< most that may wait to be written
  };

  LinePipe(boost::asio::any_io_executor executor, UniqueFd in, UniqueFd out, Limits limits);

  /// The next line without its end.
  /// @errors  io        "closed": end of input
  ///          protocol  a line longer than the limit; the pipe reads no more
  ///          timeout   the descriptor was closed by close()
  [[nodiscard]] boost::asio::awaitable<Result<std::string>> read_line();

  /// Queues a line (with its newline) to be written in order. False: the queue is full or the other
  /// side is gone, and the line is dropped; the peer is not reading and should be given up.
  bool send(std::string line);

  /// Called whenever queued bytes have gone out, at the top of the loop: there is room again.
  void on_written(std::function<void()> action) { on_written_ = std::move(action); }
  [[nodiscard]] std::size_t queued_bytes() const { return in_flight_.size() + waiting_.size(); }
  /// Ends a pending read_line(); nothing more is read or written.
  void close();

 private:
  void write_waiting();

  boost::asio::posix::stream_descriptor in_;
  boost::asio::posix::stream_descriptor out_;
  Limits limits_;
  LineSplitter splitter_;
  std::string in_flight_;  // being written
  std::string waiting_;    // comes after it
  bool broken_ = false;
  std::function<void()> on_written_;
};

}  // namespace reversi

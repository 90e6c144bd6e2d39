#include "common/io/line_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "common/io/coro.h"

namespace reversi {
namespace {

constexpr LinePipe::Limits kLimits{.line_bytes = 64, .queued_bytes = 1'000'000};

class LinePipeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    std::array<int, 2> in{}, out{};
    ASSERT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
    to_pipe = UniqueFd{in[1]};
    from_pipe = UniqueFd{out[0]};
    pipe =
        std::make_unique<LinePipe>(loop.get_executor(), UniqueFd{in[0]}, UniqueFd{out[1]}, kLimits);
  }
  /// Runs the loop until the next line or error is there.
  Result<std::string> next_line() {
    Result<std::string> result = fail(Errc::timeout, "the loop ended");
    asio::co_spawn(
        loop, [&]() -> asio::awaitable<void> { result = co_await pipe->read_line(); },
        asio::detached);
    loop.restart();
    loop.run_for(std::chrono::seconds(5));
    return result;
  }
  void write(std::string_view text) {
    ASSERT_EQ(::write(to_pipe.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  asio::io_context loop;
  UniqueFd to_pipe, from_pipe;
  std::unique_ptr<LinePipe> pipe;
};

TEST_F(LinePipeTest, GivesOneLineAtATimeAndThenTheEnd) {
  write("one\ntwo\nrest");
  EXPECT_EQ(next_line().value(), "one");
  EXPECT_EQ(next_line().value(), "two");
  to_pipe.reset();
  EXPECT_EQ(next_line().error().line(), "closed");
}

TEST_F(LinePipeTest, AnOverlongLineIsAProtocolError) {
  write(std::string(65, 'x'));
  EXPECT_EQ(next_line().error().code(), Errc::protocol);
}

TEST_F(LinePipeTest, KeepsTheOrderOfWhatIsSentFasterThanItIsRead) {
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    expected += line;
    ASSERT_TRUE(pipe->send(line));
  }
  std::string got;
  std::array<char, 5000> chunk{};
  while (got.size() < expected.size()) {
    loop.restart();
    loop.poll();
    const ssize_t size = ::read(from_pipe.get(), chunk.data(), chunk.size());
    ASSERT_GT(size, 0);
    got.append(chunk.data(), static_cast<std::size_t>(size));
  }
  EXPECT_EQ(got, expected);
}

TEST_F(LinePipeTest, AReaderThatDoesNotReadFillsTheQueueAndNoMore) {
  const std::string line = std::string(63, 'x') + "\n";
  int sent = 0;
  while (pipe->send(line)) ASSERT_LT(++sent, 100'000);
  EXPECT_LE(pipe->queued_bytes(), kLimits.queued_bytes);
}

TEST_F(LinePipeTest, AGoneReaderMakesSendFail) {
  from_pipe.reset();
  EXPECT_TRUE(pipe->send("x\n"));
  loop.restart();
  loop.run_for(std::chrono::seconds(5));
  EXPECT_FALSE(pipe->send("y\n"));
}

TEST_F(LinePipeTest, CloseEndsAPendingRead) {
  asio::post(loop, [&] { pipe->close(); });
  EXPECT_EQ(next_line().error().code(), Errc::timeout);
}

}  // namespace
}  // namespace reversi

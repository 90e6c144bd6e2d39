// What a log line does when nobody takes it: it waits for nobody, and is counted.

#include "common/io/log_sinks.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <spdlog/logger.h>

#include "common/io/unique_fd.h"
#include "tests/support/scratch_dir.h"

namespace reversi {
namespace {

/// Our standard error is this pipe as long as it lives.
class StderrPipe {
 public:
  StderrPipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reader_ = UniqueFd{ends[0]};
    const UniqueFd writer{ends[1]};
    before_ = UniqueFd{::dup(STDERR_FILENO)};
    ::dup2(writer.get(), STDERR_FILENO);
    ::fcntl(reader_.get(), F_SETFL, O_NONBLOCK);
  }
  ~StderrPipe() { ::dup2(before_.get(), STDERR_FILENO); }

  /// Everything that lies in it.
  std::string read() {
    std::string text;
    std::array<char, 4096> chunk{};
    for (;;) {
      const ssize_t size = ::read(reader_.get(), chunk.data(), chunk.size());
      if (size <= 0) return text;
      text.append(chunk.data(), static_cast<std::size_t>(size));
    }
  }

 private:
  UniqueFd reader_;
  UniqueFd before_;
};

/// Empties a pipe that somebody has waited at for longer than anybody may, so that a sink that waits
/// fails a test instead of stopping it.
class Rescuer {
 public:
  explicit Rescuer(StderrPipe& pipe)
      : thread_([this, &pipe](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          while (!wake_.wait_for(lock, stop, std::chrono::seconds{2}, [] { return false; }) &&
                 !stop.stop_requested()) {
            was_needed_ = true;
            pipe.read();
          }
        }) {}
  /// Ends it. Whether it was needed.
  bool end() {
    thread_.request_stop();
    thread_.join();
    return was_needed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool was_needed_ = false;
  std::jthread thread_;
};

TEST(StandardErrorSink, WaitsForNobodyAndSaysHowManyLinesWereLost) {
  StderrPipe pipe;
  spdlog::logger logger("test", standard_error_sink());
  logger.set_pattern("%v");
  constexpr int kLines = 2000;  // of 100 bytes: three times what a pipe holds
  Rescuer rescuer(pipe);
  for (int i = 0; i < kLines; ++i) logger.info(std::string(99, 'x'));
  ASSERT_FALSE(rescuer.end()) << "a line waited for a reader";
  const auto taken = pipe.read().size() / 100;
  ASSERT_LT(taken, static_cast<std::size_t>(kLines));
  logger.info("here again");
  EXPECT_EQ(pipe.read(), std::to_string(kLines - static_cast<int>(taken)) +
                             " log lines were lost here\nhere again\n");
}

/// A system logger that may or may not read.
class Logger {
 public:
  explicit Logger(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    ::unlink(path.c_str());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
  }
  std::string read() {
    std::array<char, 4096> datagram{};
    const ssize_t size = ::recv(socket_.get(), datagram.data(), datagram.size(), 0);
    return size < 0 ? "" : std::string(datagram.data(), static_cast<std::size_t>(size));
  }

 private:
  UniqueFd socket_;
};

TEST(SyslogSink, SaysWhoSpeaksAndHowUrgentlyAndFindsALoggerThatCameLater) {
  const testing::ScratchDir scratch;
  const std::string path = scratch.path() + "/log";
  spdlog::logger logger("test", syslog_sink("reversi-client", path));
  logger.warn("nobody hears this");
  std::optional<Logger> system(path);
  logger.error("a line");
  const std::string end = "reversi-client[" + std::to_string(::getpid()) + "]: ";
  EXPECT_EQ(system->read(), "<27>" + end + "1 log lines were lost here");  // daemon.err, RFC 3164
  EXPECT_EQ(system->read(), "<27>" + end + "a line");
  system.reset();
  Logger restarted(path);
  logger.info("after its restart");
  EXPECT_EQ(restarted.read(), "<30>" + end + "after its restart");
}

TEST(SyslogSink, TalksToALoggerThatTakesAStream) {
  const testing::ScratchDir scratch;
  const std::string path = scratch.path() + "/log";
  const UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  spdlog::logger logger("test", syslog_sink("x", path));
  logger.info("a line");
  const UniqueFd caller{::accept(listener.get(), nullptr, nullptr)};
  std::array<char, 256> text{};
  const ssize_t size = ::recv(caller.get(), text.data(), text.size(), 0);
  const std::string wanted = "<30>x[" + std::to_string(::getpid()) + "]: a line";
  ASSERT_EQ(size, static_cast<ssize_t>(wanted.size() + 1));
  EXPECT_STREQ(text.data(), wanted.c_str());
}

TEST(SyslogSink, WaitsForNoLogger) {
  const testing::ScratchDir scratch;
  const std::string path = scratch.path() + "/log";
  Logger system(path);
  spdlog::logger logger("test", syslog_sink("reversi-client", path));
  for (int i = 0; i < 10'000; ++i) logger.info("a line");
  SUCCEED() << "a sink that waits would be here for ever";
}

}  // namespace
}  // namespace reversi

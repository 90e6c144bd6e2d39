// What a log line does when nobody takes it: it waits for nobody, and is counted.

#include "common/io/log_sinks.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

#include "common/io/files.h"
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

/// Lines as log_line() makes them, from the level on.
std::string without_times(const std::string& lines) {
  std::string text;
  std::size_t at = 0;
  while (at < lines.size()) {
    const auto end = lines.find('\n', at) + 1;
    text += lines.substr(lines.find(' ', at) + 1, end - lines.find(' ', at) - 1);
    at = end;
  }
  return text;
}

TEST(StandardErrorSink, WaitsForNobodyAndSaysHowManyLinesWereLost) {
  StderrPipe pipe;
  const auto log = standard_error_sink();
  constexpr int kLines = 2000;  // of 100 bytes: three times what a pipe holds
  const std::string text(100 - log_line(LogLevel::info, "").size(), 'x');
  Rescuer rescuer(pipe);
  for (int i = 0; i < kLines; ++i) log->write(LogLevel::info, text);
  ASSERT_FALSE(rescuer.end()) << "a line waited for a reader";
  const auto taken = pipe.read().size() / 100;
  ASSERT_LT(taken, static_cast<std::size_t>(kLines));
  log->write(LogLevel::info, "here again");
  EXPECT_EQ(without_times(pipe.read()), "info " + std::to_string(kLines - static_cast<int>(taken)) +
                                            " log lines were lost here\ninfo here again\n");
}

TEST(FileSink, AppendsAndKeepsOneOldFile) {
  const testing::ScratchDir scratch;
  const std::string path = scratch.path() + "/deep/log";
  const std::size_t size = log_line(LogLevel::info, "1").size();
  {
    const auto log = file_sink(path, 3 * size);
    ASSERT_TRUE(log) << log.error().line();
    (*log)->write(LogLevel::info, "1");
    (*log)->write(LogLevel::info, "2");
  }
  const auto log = file_sink(path, 3 * size);
  ASSERT_TRUE(log) << log.error().line();
  for (const char* text : {"3", "4", "5", "6", "7"}) (*log)->write(LogLevel::info, text);
  EXPECT_EQ(without_times(read_file(path, 1000).value_or("")), "info 7\n");
  EXPECT_EQ(without_times(read_file(path + ".1", 1000).value_or("")), "info 4\ninfo 5\ninfo 6\n");
}

TEST(FileSink, KeepsItsBoundWhereTheFileCannotBeRenamed) {
  const testing::ScratchDir scratch;
  const std::string path = scratch.path() + "/log";
  ASSERT_TRUE(make_directories(path + ".1", 0755));  // in the way
  const auto log = file_sink(path, 3 * log_line(LogLevel::info, "1").size());
  ASSERT_TRUE(log) << log.error().line();
  for (const char* text : {"1", "2", "3", "4", "5"}) (*log)->write(LogLevel::info, text);
  EXPECT_EQ(without_times(read_file(path, 1000).value_or("")), "info 4\ninfo 5\n");
}

TEST(FileSink, GoesOnInANewFileWhenItsOwnWasTakenAway) {
  const testing::ScratchDir scratch;
  const std::string path = scratch.path() + "/log";
  const auto log = file_sink(path, 2 * log_line(LogLevel::info, "1").size());
  ASSERT_TRUE(log) << log.error().line();
  for (const char* text : {"1", "2"}) (*log)->write(LogLevel::info, text);
  ASSERT_EQ(::unlink(path.c_str()), 0);
  (*log)->write(LogLevel::info, "3");
  EXPECT_EQ(without_times(read_file(path, 1000).value_or("")), "info 3\n");
}

TEST(FileSink, DoesNotWaitForTheReaderOfAFifo) {
  const testing::ScratchDir scratch;
  const std::string path = scratch.path() + "/fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const auto log = file_sink(path, 1000);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().line().find(path), std::string::npos) << log.error().line();
}

TEST(FileSink, NamesTheFileThatCannotBeOpened) {
  const testing::ScratchDir scratch;
  const auto log = file_sink(scratch.path(), 1000);  // a directory
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().line().find(scratch.path()), std::string::npos) << log.error().line();
}

TEST(FileSink, SaysHowManyLinesAFullDiskTook) {
  const auto log = file_sink("/dev/full", 1000);
  ASSERT_TRUE(log) << log.error().line();
  (*log)->write(LogLevel::error, "nobody keeps this, and nothing throws");
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
  const auto logger = syslog_sink("reversi-client", path);
  logger->write(LogLevel::warning, "nobody hears this");
  std::optional<Logger> system(path);
  logger->write(LogLevel::error, "a line");
  const std::string end = "reversi-client[" + std::to_string(::getpid()) + "]: ";
  EXPECT_EQ(system->read(), "<27>" + end + "1 log lines were lost here");  // daemon.err, RFC 3164
  EXPECT_EQ(system->read(), "<27>" + end + "a line");
  system.reset();
  Logger restarted(path);
  logger->write(LogLevel::info, "after its restart");
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
  const auto logger = syslog_sink("x", path);
  logger->write(LogLevel::info, "a line");
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
  const auto logger = syslog_sink("reversi-client", path);
  for (int i = 0; i < 10'000; ++i) logger->write(LogLevel::info, "a line");
  SUCCEED() << "a sink that waits would be here for ever";
}

}  // namespace
}  // namespace reversi

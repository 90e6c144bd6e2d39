#include "client/io/worker_process.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <gtest/gtest.h>

#include "client/io/system.h"
#include "common/io/files.h"
#include "tests/support/scratch_dir.h"
#include "tests/unit/client_io/refused_call.h"

namespace reversi::client {
namespace {

/// A worker whose program is a few lines of shell.
class WorkerProcessTest : public ::testing::Test {
 protected:
  void spawn(const std::string& script) {
    const std::string file = dir.path() + "/worker";
    ASSERT_TRUE(write_file(file, "#!/bin/sh\n" + script, 0700, Sync::none));
    auto spawned = WorkerProcess::spawn(
        loop.get_executor(), {file},
        {.on_event = [this](WorkerEvent event) { events.push_back(std::move(event)); },
         .on_broken = [this](std::string what) { broken = std::move(what); },
         .on_exit = [this](std::string how) { exit = std::move(how); }});
    ASSERT_TRUE(spawned) << spawned.error().line();
    worker = *std::move(spawned);
  }
  void run_until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!done() && std::chrono::steady_clock::now() < limit) {
      loop.restart();
      loop.run_one_for(std::chrono::milliseconds{100});
    }
    EXPECT_TRUE(done());
  }

  reversi::testing::ScratchDir dir;
  boost::asio::io_context loop{1};
  std::shared_ptr<WorkerProcess> worker;
  std::vector<WorkerEvent> events;
  std::optional<std::string> broken;
  std::optional<std::string> exit;
};

TEST_F(WorkerProcessTest, ItsLastLineArrivesBeforeItsExit) {
  std::string line = encode(WorkerEvent{Failed{Failure::no_answer, "x"}});
  line.pop_back();
  spawn("echo '" + line + "'; exit 10\n");
  run_until([&] { return exit.has_value(); });
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(std::get<Failed>(events[0]).failure, Failure::no_answer);
  EXPECT_EQ(*exit, "exit code 10");
}

TEST_F(WorkerProcessTest, WhatWeSendArrives) {
  spawn("read line; echo \"$line\" > " + dir.path() + "/got\n");
  EXPECT_TRUE(worker->send(Alive{}));
  run_until([&] { return exit.has_value(); });
  EXPECT_EQ(read_file(dir.path() + "/got", 1000).value_or(""), encode(WorkerCommand{Alive{}}));
}

TEST_F(WorkerProcessTest, ALineThatIsNoMessageIsReported) {
  spawn("echo nonsense; read line\n");
  run_until([&] { return broken.has_value(); });
  worker->signal(SIGKILL);
  run_until([&] { return exit.has_value(); });
  EXPECT_EQ(*exit, "killed by signal 9");
}

TEST_F(WorkerProcessTest, AWorkerThatClosesItsOutputAndStaysIsReported) {
  spawn("exec >&-; read line\n");
  run_until([&] { return broken.has_value(); });
  worker->signal(SIGTERM);
  run_until([&] { return exit.has_value(); });
  EXPECT_EQ(*exit, "killed by signal 15");
}

TEST_F(WorkerProcessTest, ItInheritsNoDescriptorOfOurs) {
  const auto lock = lock_file(dir.path() + "/lock", Millis{100});
  ASSERT_TRUE(lock);
  spawn("ls -l /proc/$$/fd | grep -c lock > " + dir.path() + "/count\n");
  run_until([&] { return exit.has_value(); });
  EXPECT_EQ(read_file(dir.path() + "/count", 1000).value_or(""), "0\n");
}

TEST_F(WorkerProcessTest, AStoppedWorkerIsSeenStopped) {
  spawn("read line\n");
  EXPECT_FALSE(is_stopped(worker->pid()));
  worker->signal(SIGSTOP);
  run_until([&] { return is_stopped(worker->pid()); });
  worker->signal(SIGKILL);
  run_until([&] { return exit.has_value(); });
}

#ifdef __linux__
/// Starts a program under a kernel without pidfd_open(2) and waits for its end. In a process of its own.
[[noreturn]] void start_without_pidfd(const WorkerProgram& program) {
  if (!reversi::testing::refuse_pidfd_open()) ::_exit(77);
  boost::asio::io_context loop{1};
  std::string how;
  const auto spawned =
      WorkerProcess::spawn(loop.get_executor(), program,
                           {.on_event = {}, .on_broken = {}, .on_exit = [&](std::string text) {
                              how = std::move(text);
                            }});
  loop.run_for(std::chrono::seconds{10});
  ::_exit(spawned && how == "exit code 3" ? 0 : 1);
}

TEST_F(WorkerProcessTest, AKernelWithoutPidfdOpenStartsAndReapsIt) {
  const std::string file = dir.path() + "/worker";
  ASSERT_TRUE(write_file(file, "#!/bin/sh\nexit 3\n", 0700, Sync::none));
  EXPECT_EXIT(start_without_pidfd({file}), ::testing::ExitedWithCode(0), "");
}
#endif

TEST_F(WorkerProcessTest, ManyThatEndAtOnceAreAllReaped) {
  constexpr int kMany = 20;
  int ended = 0;
  const std::string file = dir.path() + "/worker";
  ASSERT_TRUE(write_file(file, "#!/bin/sh\nread line\n", 0700, Sync::none));
  std::vector<std::shared_ptr<WorkerProcess>> workers;
  for (int i = 0; i < kMany; ++i) {
    auto spawned = WorkerProcess::spawn(
        loop.get_executor(), {file},
        {.on_event = {}, .on_broken = {}, .on_exit = [&](const std::string&) { ++ended; }});
    ASSERT_TRUE(spawned) << spawned.error().line();
    workers.push_back(*std::move(spawned));
  }
  for (const auto& each : workers) each->signal(SIGKILL);
  run_until([&] { return ended == kMany; });
}

/// Under limits each of which is met at another step of the start. In a process of its own.
[[noreturn]] void start_with_few_descriptors(const WorkerProgram& program) {
  int refused = 0;
  for (rlim_t most = 12; most < 32; ++most) {
    const rlimit enough{64, 64};
    ::setrlimit(RLIMIT_NOFILE, &enough);
    boost::asio::io_context loop{1};
    const boost::asio::signal_set signals(loop, SIGHUP);  // the supervisor has some, too
    const rlimit limit{most, 64};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const auto spawned = WorkerProcess::spawn(loop.get_executor(), program, {});
    if (!spawned) {
      ++refused;
      if (::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD) ::_exit(2);
    } else {
      (*spawned)->signal(SIGKILL);
      loop.run_for(std::chrono::seconds{10});
    }
  }
  ::_exit(refused > 0 ? 0 : 1);
}

TEST_F(WorkerProcessTest, WithNoDescriptorLeftItIsAnErrorAndNoProcessIsLeft) {
  // UBSan looks at an object through a pipe, and takes it for a bad one when there can be none.
  if (REVERSI_IS_SANITIZED) GTEST_SKIP() << "needs a build without sanitizers";
  const std::string file = dir.path() + "/worker";
  ASSERT_TRUE(write_file(file, "#!/bin/sh\nread line\n", 0700, Sync::none));
  EXPECT_EXIT(start_with_few_descriptors({file}), ::testing::ExitedWithCode(0), "");
}

TEST_F(WorkerProcessTest, AProgramThatIsNotThereIsAnError) {
  const auto spawned = WorkerProcess::spawn(loop.get_executor(), {dir.path() + "/none"}, {});
  ASSERT_FALSE(spawned);
  EXPECT_NE(spawned.error().line().find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace reversi::client

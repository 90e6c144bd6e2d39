#include "server/io/sshd_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <gtest/gtest.h>

#include "server/io/process.h"

namespace reversi::server {
namespace {

TEST(ProcessInfo, KnowsThisProcess) {
  const auto info = process_info(::getpid());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->id, own_process());
  EXPECT_EQ(info->parent, ::getppid());
  EXPECT_EQ(info->uid, ::geteuid());
  EXPECT_EQ(info->state, 'R');
  EXPECT_EQ(info->name, "server_io_agent") << "cut at 15 bytes";
}

TEST(ProcessInfo, KnowsNobodyWhoIsGone) {
  EXPECT_FALSE(process_info(0x7fffffff));
  EXPECT_FALSE(process_info(-1));
}

TEST(ProcessInfo, TellsAStoppedProcessFromAZombie) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(process_info(child));
  EXPECT_TRUE(process_info(child)->is_stopped());
  ::kill(child, SIGCONT);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  ASSERT_TRUE(process_info(child));
  EXPECT_TRUE(process_info(child)->is_gone());
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_FALSE(process_info(child));
}

TEST(HoldParent, HoldsTheProcessAboveAndKnowsThatItIsNoSshd) {
  const auto parent = hold_parent();
  ASSERT_TRUE(parent) << parent.error().line();
  EXPECT_EQ(parent->pid, ::getppid());
  EXPECT_EQ(parent->id, process_of_pid(::getppid()));
  EXPECT_TRUE(parent->pidfd);
  EXPECT_TRUE(parent->is_there());
  EXPECT_FALSE(parent->is_sshd);
}

/// What a child's child, whose parent is the child, finds; the child ends once it was told to.
class UnderAParent : public ::testing::Test {
 protected:
  using Check = bool (*)(ParentProcess parent);

  static std::optional<ProcessInfo> hidden(std::int64_t /*pid*/) { return std::nullopt; }

  /// The check runs in a process whose parent sleeps until it is signalled.
  static int run(Check check) {
    const pid_t parent = ::fork();
    if (parent == 0) {
      const pid_t child = ::fork();
      if (child == 0) {
        auto held = hold_parent(hidden);
        ::_exit(held && check(*std::move(held)) ? 0 : 1);
      }
      for (;;) ::pause();
    }
    int status = 0;
    ::waitpid(parent, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
};

TEST_F(UnderAParent, OneThatProcHidesIsHeldAndEndedAllTheSame) {
  EXPECT_EQ(run([](ParentProcess parent) {
              const bool is_unknown = !parent.id && parent.is_sshd && parent.is_there();
              parent.signal(is_unknown ? SIGTERM : SIGUSR1);
              return parent.wait_for_end(Millis{5000});
            }),
            SIGTERM);
}

TEST_F(UnderAParent, WithoutAPidfdItIsHeldByBeingTheParent) {
  EXPECT_EQ(run([](ParentProcess parent) {
              parent.pidfd.reset();
              parent.signal(parent.is_there() ? SIGTERM : SIGUSR1);
              return parent.wait_for_end(Millis{5000});
            }),
            SIGTERM);
}

TEST(HeldProcess, WithoutAPidfdASignalMeetsNoLaterProcessOfTheSamePid) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  const ProcessId real = process_of_pid(child).value();
  const ProcessId earlier{real.pid, real.start_time - 1};
  EXPECT_FALSE(signal_process({earlier, {}}, SIGKILL));
  EXPECT_TRUE(is_running(real));
  EXPECT_TRUE(signal_process({real, {}}, SIGKILL));
  EXPECT_TRUE(wait_for_end({real, {}}, Millis{5000}));
  ::waitpid(child, nullptr, 0);
}

TEST(ChildlessSshds, HoldsNoOtherProcess) {
  for (const HolderCandidate& candidate : childless_sshds(::geteuid())) {
    const auto info = process_info(candidate.id.pid);
    EXPECT_TRUE(!info || info->name.starts_with("sshd"));
  }
}

}  // namespace
}  // namespace reversi::server

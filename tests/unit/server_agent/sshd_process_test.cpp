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
  EXPECT_EQ(parent->id.pid, ::getppid());
  EXPECT_FALSE(parent->is_sshd);
}

TEST(ChildlessSshds, HoldsNoOtherProcess) {
  for (const HolderCandidate& candidate : childless_sshds(::geteuid())) {
    const auto info = process_info(candidate.id.pid);
    EXPECT_TRUE(!info || info->name.starts_with("sshd"));
  }
}

}  // namespace
}  // namespace reversi::server

#include "client/io/client_state.h"

#include <sys/stat.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "common/io/files.h"
#include "tests/support/scratch_dir.h"

namespace reversi::client {
namespace {

TEST(ClientState, TheInstanceStaysAndTheRunDoesNot) {
  const reversi::testing::ScratchDir dir;
  const Identity first = load_identity(dir.path());
  const Identity second = load_identity(dir.path());
  EXPECT_EQ(first.instance, second.instance);
  EXPECT_EQ(first.machine, second.machine);
  EXPECT_NE(first.run, second.run);
  EXPECT_LE(first.instance.size(), kMaxNameBytes);
}

TEST(ClientState, ADamagedInstanceIsReplaced) {
  const reversi::testing::ScratchDir dir;
  ASSERT_TRUE(write_file(dir.path() + "/instance", "../../etc", 0600, Sync::none));
  const Identity identity = load_identity(dir.path());
  EXPECT_EQ(identity.instance.size(), 32U);
  EXPECT_EQ(load_identity(dir.path()).instance, identity.instance);
}

TEST(ClientState, WithoutAStateDirectoryThereIsAnIdentityAllTheSame) {
  EXPECT_EQ(load_identity("/dev/null/state").instance.size(), 32U);
  EXPECT_EQ(load_policy("/dev/null/state"), SessionPolicy{});
  EXPECT_FALSE(save_policy("/dev/null/state", SessionPolicy{}));
}

TEST(ClientState, ThePolicyComesBackAndADamagedOneIsTheDefault) {
  const reversi::testing::ScratchDir dir;
  SessionPolicy policy;
  policy.spread = Millis{1234};
  ASSERT_TRUE(save_policy(dir.path(), policy));
  EXPECT_EQ(load_policy(dir.path()), policy);
  ASSERT_TRUE(write_file(dir.path() + "/policy.json", "{\"spread_ms\": -1}", 0600, Sync::none));
  EXPECT_EQ(load_policy(dir.path()), SessionPolicy{});
}

TEST(ClientState, OneSupervisorHoldsTheLockAndIsNamed) {
  const reversi::testing::ScratchDir dir;
  const std::string run_dir = dir.path() + "/run/cam-07";
  EXPECT_FALSE(lock_holder(run_dir).is_held);
  {
    const auto lock = take_lock(run_dir);
    ASSERT_TRUE(lock);
    EXPECT_TRUE(lock_holder(run_dir).is_held);
    EXPECT_EQ(lock_holder(run_dir).pid, ::getpid());
    const auto second = take_lock(run_dir);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), Errc::exists);
    EXPECT_NE(second.error().line().find(std::to_string(::getpid())), std::string::npos);
  }
  EXPECT_FALSE(lock_holder(run_dir).is_held);
  struct stat info {};
  ASSERT_EQ(::stat(run_dir.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

}  // namespace
}  // namespace reversi::client

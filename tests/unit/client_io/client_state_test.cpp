#include "client/io/client_state.h"

#include <sys/stat.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "client/io/system.h"
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

TEST(ClientState, AFormerSessionIsOursAsLongAsOneHardwareAddressStays) {
  const reversi::testing::ScratchDir dir;
  const FormerSessions former{{"a.example:22", {1234, 5678, "6b7c8f20"}}};
  ASSERT_TRUE(save_former(dir.path(), former, {"52:54:00:00:00:01", "52:54:00:00:00:02"}));
  EXPECT_EQ(load_former(dir.path(), {"52:54:00:00:00:02", "52:54:00:00:00:03"}), former);
  EXPECT_TRUE(load_former(dir.path(), {"52:54:00:00:00:03"}).empty()) << "the disk was copied";
  EXPECT_TRUE(load_former(dir.path(), {}).empty());
  ASSERT_TRUE(write_file(dir.path() + "/former.json", "{\"servers\": 7}", 0600, Sync::none));
  EXPECT_TRUE(load_former(dir.path(), {}).empty());
}

TEST(ClientState, OnlyAddressesThatHardwareWasMadeWithCount) {
  if (!std::filesystem::exists("/sys/class/net")) GTEST_SKIP() << "no sysfs on this system";
  const reversi::testing::ScratchDir dir;
  const auto interface = [&](const std::string& name, const std::string& address,
                             const std::string& type, bool has_device) {
    const std::string path = dir.path() + "/" + name;
    std::filesystem::create_directories(has_device ? path + "/device" : path);
    ASSERT_TRUE(write_file(path + "/address", address + "\n", 0600, Sync::none));
    ASSERT_TRUE(write_file(path + "/addr_assign_type", type + "\n", 0600, Sync::none));
  };
  interface("eth0", "52:54:00:00:00:02", "0", true);
  interface("wwan0", "52:54:00:00:00:01", "0", true);
  interface("wlan0", "1e:00:00:00:00:01", "3", true);   // set for a scan
  interface("veth7", "1e:00:00:00:00:02", "0", false);  // no hardware
  interface("docker0", "02:42:00:00:00:01", "3", false);
  interface("odd0", "00:00:00:00:00:00", "0", true);
  const auto found = hardware_addresses(dir.path());
  EXPECT_EQ(found, (std::vector<std::string>{"52:54:00:00:00:01", "52:54:00:00:00:02"}));
}

}  // namespace
}  // namespace reversi::client

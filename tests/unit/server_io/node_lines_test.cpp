#include "server/io/node_lines.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "server/io/authorized_keys_file.h"
#include "server/io/claim.h"
#include "server/io/process.h"
#include "tests/unit/server_io/state_dir_fixture.h"

namespace reversi::server {
namespace {

using namespace testing;

constexpr Port kNewPort = 29'123;

class NodeLinesTest : public StateDirTest {
 protected:
  void SetUp() override {
    StateDirTest::SetUp();
    ASSERT_TRUE(state.save_policy_text(kAuthorizedKeysKey, keys));
    const auto lines = lines_of(state, cam_07()).value();
    put(keys, replace_lines("ssh-rsa AAAA mine\n", node, state.path(), lines).value());
  }
  /// What `node set` left that was killed before it came to authorized_keys.
  void leave_half() {
    NodeRecord half = cam_07();
    half.forwards.front().port = kNewPort;
    half.lines_due = true;
    ASSERT_TRUE(state.save_node(half));
  }
  bool names_new_port() const {
    return text().find("localhost:" + std::to_string(kNewPort)) != std::string::npos;
  }
  std::string text() const { return read_file(keys, 100'000).value(); }
  ClaimResult claim() {
    Newcomer newcomer{node, cam_07().forwards, {}, {}, "192.0.2.7", {}};
    newcomer.record = {"s1", own_boot_id(), own_process(), own_process(), "i", "r", "m", {}, {}};
    return claim_node(state, newcomer, [] { return true; });
  }
  std::string keys = state.path() + "/authorized_keys";
};

TEST_F(NodeLinesTest, TheNextClaimInstallsTheLinesThatAVerbWasKilledOver) {
  leave_half();
  const ClaimResult first = claim();
  ASSERT_TRUE(std::holds_alternative<ClaimRefused>(first.event))
      << "its rights are those of before";
  const Refused refused = std::get<ClaimRefused>(first.event).refused;
  EXPECT_EQ(refused.reason, RefusedReason::busy);
  EXPECT_LE(refused.retry_after, Millis{1000});
  EXPECT_TRUE(names_new_port()) << text();
  EXPECT_FALSE(state.load_node(node)->lines_due);
  const ClaimResult second = claim();
  ASSERT_TRUE(std::holds_alternative<Claimed>(second.event)) << "once is enough";
  EXPECT_EQ(std::get<Claimed>(second.event).granted.front().port, kNewPort);
}

TEST_F(NodeLinesTest, WhatCannotBeMendedIsServedAsSshdAllowsItAndReported) {
  leave_half();
  put(keys, "# BEGIN reversi\n# BEGIN reversi\n");
  const ClaimResult result = claim();
  ASSERT_TRUE(std::holds_alternative<Claimed>(result.event));
  const auto& claimed = std::get<Claimed>(result.event);
  EXPECT_EQ(claimed.granted, cam_07().forwards);
  EXPECT_NE(claimed.problem.find("authorized_keys"), std::string::npos) << claimed.problem;
  EXPECT_TRUE(state.load_node(node)->lines_due) << "the next one tries again";
}

TEST_F(NodeLinesTest, ANodeThatIsDisabledStaysOutWhateverIsDue) {
  NodeRecord half = cam_07();
  half.enabled = false;
  half.lines_due = true;
  ASSERT_TRUE(state.save_node(half));
  const ClaimResult result = claim();
  ASSERT_TRUE(std::holds_alternative<ClaimRefused>(result.event));
  EXPECT_EQ(std::get<ClaimRefused>(result.event).refused.reason, RefusedReason::disabled);
  EXPECT_EQ(text().find("port-forwarding"), std::string::npos) << text();
}

TEST_F(NodeLinesTest, ALoginUnderWayWhenTheNodeIsRemovedGetsNoPort) {
  ASSERT_TRUE(state.remove_node(node));
  const ClaimResult late = claim();
  ASSERT_TRUE(std::holds_alternative<ClaimRefused>(late.event));
  EXPECT_EQ(std::get<ClaimRefused>(late.event).refused.text, "the administrator removed this node");
  ASSERT_TRUE(state.create_node(node));
  EXPECT_FALSE(state.was_removed(node));
  ASSERT_TRUE(std::holds_alternative<Claimed>(claim().event)) << "one that is only lost is served";
}

TEST_F(NodeLinesTest, AFileWithoutALineOfTheNodeIsNotTheOneThatWasMeant) {
  leave_half();
  put(keys, "ssh-rsa AAAA mine\n");
  EXPECT_FALSE(mend_lines(state, node));
  EXPECT_EQ(text(), "ssh-rsa AAAA mine\n");
}

TEST_F(NodeLinesTest, RecordAndLinesAreSavedTogetherOrNotAtAll) {
  NodeRecord after = cam_07();
  after.forwards.front().port = kNewPort;
  const LineRules rules{.lock_limit = Millis{1000}};
  ASSERT_TRUE(save_with_lines(state, cam_07(), after, rules));
  EXPECT_EQ(state.load_node(node).value(), after) << "nothing is due";
  EXPECT_TRUE(names_new_port());
  put(keys, "# BEGIN reversi\n# BEGIN reversi\n");
  EXPECT_FALSE(save_with_lines(state, after, cam_07(), rules));
  EXPECT_EQ(state.load_node(node).value(), after);
}

TEST_F(NodeLinesTest, ASignalOfATerminalWaitsForTheEnd) {
  const auto killed_in_between = [&] {
    NodeRecord after = cam_07();
    after.forwards.front().port = kNewPort;
    const auto saved = [&] { return state.load_node(node)->lines_due; };
    // The lines wait for this lock; by then the record is saved.
    auto lock = lock_directory(state.path(), Millis{1000}).value();
    const pid_t child = ::fork();
    if (child == 0) {
      lock.reset();
      ::signal(SIGHUP, SIG_DFL);
      static_cast<void>(save_with_lines(state, cam_07(), after, {.lock_limit = Millis{10'000}}));
      ::_exit(0);
    }
    while (!saved()) ::usleep(1000);  // the test's own limit ends it
    ::kill(child, SIGHUP);
    return child;
  };
  int status = 0;
  const pid_t child = killed_in_between();
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP) << "held back, not ignored";
  EXPECT_TRUE(names_new_port());
  EXPECT_FALSE(state.load_node(node)->lines_due);
}

TEST_F(NodeLinesTest, WithABrokenServerJsonNobodyKnowsTheFile) {
  const std::string before = text();
  put(state.path() + "/server.json", "{\"port_first\": \"low\"}");
  // What the defaults would take.
  ASSERT_EQ(::setenv("HOME", dir.c_str(), 1), 0);
  EXPECT_EQ(authorized_keys_path(state.load_policy()).error().code(), Errc::config);
  EXPECT_EQ(prepare_removal(state).error().code(), Errc::config);
  NodeRecord after = cam_07();
  after.enabled = false;
  EXPECT_EQ(save_with_lines(state, cam_07(), after, {}).error().code(), Errc::config);
  EXPECT_EQ(state.load_node(node).value(), cam_07());
  EXPECT_EQ(text(), before);
  EXPECT_FALSE(std::filesystem::exists(dir + "/.ssh"));
}

}  // namespace
}  // namespace reversi::server

#include "client/core/client_status.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "tests/support/golden.h"
#include "tests/unit/client_core/tunnel_fixture.h"

namespace reversi::client {
namespace {

class ClientStatus : public TunnelTest {
 protected:
  void SetUp() override {
    ClientConfig config = two_forwards();
    config.canary = CanaryConfig{{"127.0.0.1", 19922}, "ssh"};
    begin(config);
  }
  Json status(std::string error = {}) {
    return client_status(tunnel, {.now = now,
                                  .wall_offset = Millis{1'795'000'000'000},
                                  .supervisor_pid = 100,
                                  .worker_pid = 101,
                                  .config_source = "/etc/reversi/client.json",
                                  .config_error = std::move(error)});
  }
};

TEST_F(ClientStatus, KeepsItsFormUpDegradedAndDown) {
  to_up();
  worker(1ms, CanaryReply{true, {}});
  after(12ms, event::CanaryDone{true, {}, 12ms});
  std::string text = json_text(status());
  text += client_status_text(status());
  agent(1s, VerdictReport{"web", Verdict::service_down, "connection refused", {}});
  text += json_text(status());
  text += client_status_text(status());
  agent(1s, Restart{"hung", 9s});
  after(1ms, event::WorkerExited{"exit code 0"});
  text += json_text(status("/etc/reversi/client.json: node: missing"));
  text += client_status_text(status("/etc/reversi/client.json: node: missing"));
  reversi::testing::expect_golden("client_status.txt", text);
}

TEST_F(ClientStatus, AHeartbeatAloneIsNotWorthWriting) {
  to_up();
  const Json before = status_essence(status(), false);
  pass(20s);
  EXPECT_EQ(status_essence(status(), false), before);
}

TEST_F(ClientStatus, OnFlashACheckThatFindsWhatItFoundBeforeIsNotWorthWriting) {
  to_up();
  worker(1ms, CanaryReply{true, {}});
  after(12ms, event::CanaryDone{true, {}, 12ms});
  const Json quick = status_essence(status(), false);
  const Json before = status_essence(status(), true);
  agent(1s, VerdictReport{"ssh", Verdict::healthy, {}, 4ms});
  after(1s, event::Hint{"address changed"});
  after(14ms, event::CanaryDone{true, {}, 14ms});
  EXPECT_NE(status_essence(status(), false), quick) << "in memory it is kept fresh";
  EXPECT_EQ(status_essence(status(), true), before);
  agent(1s, VerdictReport{"ssh", Verdict::service_down, "refused", {}});
  EXPECT_NE(status_essence(status(), true), before);
}

TEST_F(ClientStatus, WithoutASupervisorItHasTheSameKeys) {
  const Json absent = absent_status(setup->config, "/c.json", 0, "not running");
  const Json present = status();
  for (const auto& item : present.items()) EXPECT_TRUE(absent.contains(item.key())) << item.key();
  EXPECT_EQ(absent["state"], "down");
  EXPECT_EQ(absent["reason"], "not running");
  EXPECT_TRUE(absent["since"].is_null());
  EXPECT_TRUE(absent["supervisor_pid"].is_null());
  EXPECT_EQ(absent["forwards"], Json::array());
  EXPECT_EQ(absent["config"]["source"], "/c.json");
}

TEST(ClientStatusText, AnythingInItIsPrinted) {
  EXPECT_EQ(client_status_text(Json::object()), " \n  server    \n  since     \n");
}

}  // namespace
}  // namespace reversi::client

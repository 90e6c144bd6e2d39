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
  const Json before = without_heartbeat(status());
  pass(20s);
  EXPECT_EQ(without_heartbeat(status()), before);
}

TEST(ClientStatusText, AnythingInItIsPrinted) {
  EXPECT_EQ(client_status_text(Json::object()), " \n  server    \n  since     \n");
}

}  // namespace
}  // namespace reversi::client

#include "server/core/ssh_config.h"

#include <gtest/gtest.h>

#include "server_builders.h"
#include "tests/support/golden.h"

namespace reversi::server {
namespace {

using namespace testing;

SshHost host(NodeRecord record) {
  NodeStatus status;
  for (const NodeForward& forward : record.forwards) {
    ForwardStatus seen;
    seen.name = forward.name.text();
    seen.verdict = Verdict::healthy;
    status.forwards.push_back(std::move(seen));
  }
  const NodeName node = record.node;
  return {node, std::move(record), std::move(status)};
}

std::vector<SshHost> ssh_hosts() {
  NodeRecord camera = cam_07();
  camera.forwards.push_back({forward_name("web"), 20002, std::nullopt});
  camera.forwards.push_back({forward_name("mail"), 20003, std::nullopt});
  NodeRecord printer = cam_07();
  printer.node = node_name("printer");
  printer.forwards = {{forward_name("web"), 20004, std::nullopt}};
  NodeRecord router = cam_07();
  router.node = node_name("router");
  router.forwards = {
      {forward_name("web"), 20005, std::nullopt},
      {forward_name("shell"), 20006, Expect{.kind = Expect::Kind::banner, .match = "SSH-2.0-"}}};
  NodeRecord gone = cam_07();
  gone.node = node_name("gone");
  gone.enabled = false;
  std::vector<SshHost> hosts{host(camera), host(printer), host(router), host(gone)};
  hosts[0].status.forwards[1].verdict = Verdict::service_down;
  hosts[0].status.forwards.pop_back();
  // What a node asks for by itself has no place here, whatever it is called.
  ForwardStatus hostile;
  hostile.name = "x\nProxyCommand touch /tmp/x";
  hostile.verdict = Verdict::not_granted;
  hosts[0].status.forwards.push_back(hostile);
  hosts.push_back({node_name("broken"), std::nullopt, {}});
  return hosts;
}

TEST(SshConfig, EveryNodeWithAnSshForwardHasItsBlock) {
  reversi::testing::expect_golden(
      "ssh_config.txt", ssh_config_text(ssh_hosts(), {"admin@tunnel.example.org:2222", "root"}) +
                            "\n==== on the server itself\n" +
                            ssh_config_text({host(cam_07())}, {}));
}

TEST(SshConfig, AJumpIsWhatProxyJumpTakes) {
  const std::pair<const char*, const char*> rows[] = {
      {"tunnel.example.org", "tunnel.example.org"},
      {"tunnel.example.org:22", "tunnel.example.org"},
      {"admin@tunnel.example.org:2222", "admin@tunnel.example.org:2222"},
      {"a.b-c_d@192.0.2.1", "a.b-c_d@192.0.2.1"},
      {"admin@2001:db8::1", "admin@[2001:db8::1]"},
      {"[2001:db8::1]:2222", "[2001:db8::1]:2222"},
  };
  for (const auto& [typed, jump] : rows) {
    const auto parsed = parse_jump(typed);
    ASSERT_TRUE(parsed) << typed << parsed.error().line();
    EXPECT_EQ(*parsed, jump);
  }
}

TEST(SshConfig, NothingElseGetsIn) {
  for (const std::string bad :
       {"", "@host", "admin@", "-oProxyCommand=x@host", "-oProxyCommand", "admin@-host", "a b@host",
        "a,b", "host\nProxyCommand x", "a@b@c", "host:0", "ssh://host", "host#x", "%h", "\"x\"",
        "fe80::1%eth0", "a$(x)@host"}) {
    const auto parsed = parse_jump(bad);
    ASSERT_FALSE(parsed) << bad << " gave " << *parsed;
    EXPECT_EQ(parsed.error().code(), Errc::usage) << bad;
  }
  for (const std::string bad : {"", "-root", "a b", "a\nb", "a#b", "%r", "ä"}) {
    EXPECT_FALSE(parse_login(bad)) << bad;
  }
  EXPECT_FALSE(parse_login(std::string(33, 'a')));
}

}  // namespace
}  // namespace reversi::server

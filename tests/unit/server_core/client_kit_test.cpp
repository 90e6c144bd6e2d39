#include "server/core/client_kit.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "server_builders.h"
#include "tests/support/golden.h"

namespace reversi::server {
namespace {

using namespace testing;

ClientKit kit() {
  ClientKit kit{node_name("cam-07"), {"tunnel.example.org", 22}, "reversi", {}, {}};
  kit.host_keys = {public_key(kKeyB + " root@tunnel")};
  kit.forwards = {{forward_name("ssh"), 20001, std::nullopt},
                  {forward_name("web"), 20002, parse_expect("http=/health,204").value()},
                  {forward_name("meter"), 20003, std::nullopt}};
  return kit;
}

TEST(ClientKit, TheScriptForTheNodeKeepsItsForm) {
  reversi::testing::expect_golden("node_script.sh", node_script(kit()));
}

TEST(ClientKit, TheConfigurationIsJsonWithComments) {
  const auto doc = parse_json(client_config_text(kit()), /*allow_comments=*/true);
  ASSERT_TRUE(doc) << doc.error().line();
}

TEST(ClientKit, AnotherPortStandsInBrackets) {
  ClientKit other = kit();
  other.server.port = 2222;
  EXPECT_EQ(known_hosts_text(other), "[tunnel.example.org]:2222 " + kKeyB + "\n");
  EXPECT_EQ(known_hosts_text(kit()), "tunnel.example.org " + kKeyB + "\n");
}

TEST(ParseAddress, PortTwentyTwoIsUnderstood) {
  struct Row {
    const char* text;
    Endpoint endpoint;
  };
  const Row rows[] = {
      {"a.example.org", {"a.example.org", 22}}, {"a.example.org:2222", {"a.example.org", 2222}},
      {"192.0.2.1", {"192.0.2.1", 22}},         {"2001:db8::1", {"2001:db8::1", 22}},
      {"[2001:db8::1]", {"2001:db8::1", 22}},   {"[2001:db8::1]:24", {"2001:db8::1", 24}},
  };
  for (const Row& row : rows) {
    const auto endpoint = parse_address(row.text);
    ASSERT_TRUE(endpoint) << row.text;
    EXPECT_EQ(*endpoint, row.endpoint) << row.text;
  }
  for (const char* bad : {"", "a b", "a:0", "a:x", "-oProxyCommand=x", "a;b", "user@host"}) {
    EXPECT_FALSE(parse_address(bad)) << bad;
  }
}

}  // namespace
}  // namespace reversi::server

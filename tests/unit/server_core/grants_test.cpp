#include "server/core/grants.h"

#include <gtest/gtest.h>

#include "common/core/protocol.h"
#include "server_builders.h"

namespace reversi::server {
namespace {

using namespace testing;

struct Typed {
  const char* text;
  const char* name;
  Port port;           // 0 = none
  const char* expect;  // nullptr = none
};

TEST(ForwardRequest, EverySpellingIsUnderstood) {
  const Typed rows[] = {
      {"ssh", "ssh", 0, nullptr},
      {"ssh=20022", "ssh", 20022, nullptr},
      {"ssh:connect", "ssh", 0, "connect"},
      {"ssh=1024:banner=SSH-2.0-", "ssh", 1024, "banner=SSH-2.0-"},
      {"odd:banner=a=b:c,d", "odd", 0, "banner=a=b:c,d"},
      {"web:http", "web", 0, "http=/,200"},
      {"web=65535:http=/a?b=c:d,404", "web", 65535, "http=/a?b=c:d,404"},
  };
  for (const Typed& row : rows) {
    const auto request = parse_forward_request(row.text);
    ASSERT_TRUE(request) << row.text << ": " << request.error().line();
    EXPECT_EQ(request->name.text(), row.name) << row.text;
    EXPECT_EQ(request->port.value_or(0), row.port) << row.text;
    ASSERT_EQ(request->expect.has_value(), row.expect != nullptr) << row.text;
    if (row.expect != nullptr) {
      EXPECT_EQ(format_expect(*request->expect), row.expect) << row.text;
    }
  }
}

TEST(ForwardRequest, WhatCannotBeIsNamed) {
  for (const char* bad :
       {"", "Ssh", "=20000", "ssh=", "ssh=1023", "ssh=65536", "ssh=20000x", "ssh=+2000",
        "ssh:", "ssh:regex=x", "ssh:banner=", "ssh=20000:http=x", "localhost:20000:127.0.0.1:22"}) {
    const auto request = parse_forward_request(bad);
    ASSERT_FALSE(request) << bad;
    EXPECT_NE(request.error().line().find("--forward"), std::string::npos);
  }
}

TEST(Grant, ComesBackAsTheForcedCommandSaysIt) {
  const NodeForward grant = parse_grant("ssh=20001").value();
  EXPECT_EQ(format_grant(grant), "ssh=20001");
  for (const char* bad : {"", "ssh", "ssh=", "=1", "ssh=22", "ssh=20001,", "ssh=20001 x"}) {
    EXPECT_FALSE(parse_grant(bad)) << bad;
  }
}

ForwardRequest request(const char* name, Port port = 0) {
  return {forward_name(name), port == 0 ? std::nullopt : std::optional<Port>(port), std::nullopt};
}

std::vector<Port> ports(const Result<std::vector<NodeForward>>& forwards) {
  std::vector<Port> found;
  if (!forwards) return found;
  for (const NodeForward& forward : *forwards) found.push_back(forward.port);
  return found;
}

TEST(AssignPorts, TheLowestFreePortsOfTheRangeAreTaken) {
  const std::set<Port> taken{20000, 20002};
  EXPECT_EQ(ports(assign_ports({request("a"), request("b")}, {}, taken, {})),
            (std::vector<Port>{20001, 20003}));
}

TEST(AssignPorts, ANamedPortMayLieOutsideAndIsGoneAround) {
  EXPECT_EQ(
      ports(assign_ports({request("a"), request("b", 20000), request("c", 1024)}, {}, {}, {})),
      (std::vector<Port>{20001, 20000, 1024}));
}

TEST(AssignPorts, AForwardKeepsThePortItHas) {
  const std::vector<NodeForward> present{{forward_name("a"), 25000, std::nullopt}};
  EXPECT_EQ(ports(assign_ports({request("b"), request("a")}, present, {}, {})),
            (std::vector<Port>{20000, 25000}));
}

TEST(AssignPorts, NobodyGetsAnothersPort) {
  const auto forwards = assign_ports({request("a", 20000)}, {}, {20000}, {});
  ASSERT_FALSE(forwards);
  EXPECT_EQ(forwards.error().code(), Errc::exists);
  EXPECT_NE(forwards.error().line().find("20000"), std::string::npos);
}

TEST(AssignPorts, OnePortOneForwardAndOneNameOnce) {
  EXPECT_FALSE(assign_ports({request("a", 20000), request("b", 20000)}, {}, {}, {}));
  EXPECT_FALSE(assign_ports({request("a"), request("a")}, {}, {}, {}));
}

TEST(AssignPorts, AFullRangeSaysSo) {
  ServerPolicy policy;
  policy.port_last = 20001;
  EXPECT_TRUE(assign_ports({request("a"), request("b")}, {}, {}, policy));
  const auto forwards = assign_ports({request("a"), request("b")}, {}, {20001}, policy);
  ASSERT_FALSE(forwards);
  EXPECT_NE(forwards.error().line().find("port_last"), std::string::npos);
}

TEST(AssignPorts, ThirtyTwoForwardsAndNoMore) {
  std::vector<ForwardRequest> requests;
  for (std::size_t i = 0; i < kMaxForwards; ++i) {
    requests.push_back(request(("f" + std::to_string(i)).c_str()));
  }
  EXPECT_TRUE(assign_ports(requests, {}, {}, {}));
  requests.push_back(request("one-more"));
  EXPECT_FALSE(assign_ports(requests, {}, {}, {}));
}

}  // namespace
}  // namespace reversi::server

#include "client/core/forward_spec.h"

#include <gtest/gtest.h>

namespace reversi::client {
namespace {

std::string shown(const Result<OpensshForward>& forward) {
  if (!forward) return "error";
  return forward->bind + '|' + std::to_string(forward->port) + '|' + format_target(forward->target);
}

std::string shown(const Result<ForwardConfig>& forward) {
  if (!forward) return forward.error().code() == Errc::usage ? "usage" : "error";
  return forward->name + '|' + (forward->listen ? format_endpoint(*forward->listen) : "") + '|' +
         format_target(forward->target) + '|' + format_expect(*forward->expect);
}

TEST(OpensshForward, EverySpellingOfSshIsRead) {
  EXPECT_EQ(shown(parse_openssh_forward("20001:127.0.0.1:22")), "|20001|127.0.0.1:22");
  EXPECT_EQ(shown(parse_openssh_forward("localhost:20001:cam:80")), "localhost|20001|cam:80");
  EXPECT_EQ(shown(parse_openssh_forward("[::1]:20001:[fe80::1%eth0]:80")),
            "::1|20001|[fe80::1%eth0]:80");
  EXPECT_EQ(shown(parse_openssh_forward("*:20001:cam:80")), "*|20001|cam:80");
  EXPECT_EQ(shown(parse_openssh_forward(":20001:cam:80")), "*|20001|cam:80");
  EXPECT_EQ(shown(parse_openssh_forward("20001:/run/a:b.sock")), "|20001|unix:/run/a:b.sock");
  EXPECT_EQ(shown(parse_openssh_forward("localhost:20001:/run/a.sock")),
            "localhost|20001|unix:/run/a.sock");
}

TEST(OpensshForward, WhatCannotBeIsAnError) {
  for (const char* text :
       {"", ":", "::", "20001", "20001:cam", "0:cam:80", "20001:cam:0", "70000:cam:80",
        "20001:cam:80:90:100", "a b:20001:cam:80", "20001:c m:80", "20001::80",
        "20001:cam:", "-x:20001:cam:80", "[::1:20001:cam:80", "20001:[::1]", "20001:-oProxy:80",
        "/a:20001:b:1"}) {
    EXPECT_EQ(shown(parse_openssh_forward(text)), "error") << text;
  }
}

TEST(NamedForward, ATargetAloneAsksForNoPort) {
  EXPECT_EQ(shown(parse_named_forward("ssh=127.0.0.1:22")), "ssh||127.0.0.1:22|banner=SSH-2.0-");
  EXPECT_EQ(shown(parse_named_forward("cam=[fd00::7]:80")), "cam||[fd00::7]:80|connect");
  EXPECT_EQ(shown(parse_named_forward("mail=unix:/run/m.sock")), "mail||unix:/run/m.sock|connect");
  EXPECT_EQ(shown(Result<ForwardConfig>(default_forward())), "ssh||127.0.0.1:22|banner=SSH-2.0-");
}

TEST(NamedForward, SshsSpellingAsksForItsPort) {
  EXPECT_EQ(shown(parse_named_forward("cam=20001:cam:80")), "cam|localhost:20001|cam:80|connect");
  EXPECT_EQ(shown(parse_named_forward("cam=[::1]:20001:cam:80")),
            "cam|localhost:20001|cam:80|connect");
  EXPECT_EQ(shown(parse_named_forward("m=20001:/run/m.sock")),
            "m|localhost:20001|unix:/run/m.sock|connect");
}

TEST(NamedForward, WhatCannotBeIsAUsageError) {
  for (const char* text :
       {"", "ssh", "=cam:80", "Ssh=cam:80", "ssh=", "ssh=cam", "cam=*:20001:cam:80",
        "cam=0.0.0.0:20001:cam:80", "cam=20001", "cam=unix:relative"}) {
    EXPECT_EQ(shown(parse_named_forward(text)), "usage") << text;
  }
}

}  // namespace
}  // namespace reversi::client

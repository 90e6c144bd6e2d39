#include "server/core/cidr.h"

#include <gtest/gtest.h>

namespace reversi::server {
namespace {

TEST(Cidr, WhatSshdTakesIsTaken) {
  for (const char* good :
       {"192.0.2.0/24", "10.0.0.0/8", "0.0.0.0/0", "192.0.2.7", "192.0.2.7/32", "2001:db8::/32",
        "::/0", "::1", "fe80::1:2:3:4/128", "1:2:3:4:5:6:7:8"}) {
    const auto range = parse_cidr(good);
    EXPECT_TRUE(range && *range == good) << good;
  }
  EXPECT_EQ(*parse_cidr("2001:DB8::/32"), "2001:db8::/32");
}

TEST(Cidr, WhatWouldDisableTheKeyIsRefused) {
  for (const char* bad : {"",
                          "10.0.0.1/8",
                          "10.0.0.0/33",
                          "10.0.0",
                          "10.0.0.256",
                          "010.0.0.0/8",
                          "10.0.0.0/",
                          "10.0.0.0/-1",
                          "10.0.0.0/8,::/0",
                          "example.org",
                          "*",
                          "2001:db8::1/32",
                          "2001:db8::/129",
                          "1::2::3",
                          "12345::",
                          ":1",
                          "1:2:3",
                          "::1\"",
                          "!10.0.0.0/8",
                          "10.0.0.0/8 "}) {
    EXPECT_FALSE(parse_cidr(bad)) << bad;
  }
}

TEST(Cidr, AnAddressIsInItsRangesAndInNoOther) {
  const std::vector<std::string> ranges{"192.0.2.0/25", "198.51.100.7", "2001:db8::/33"};
  for (const char* inside : {"192.0.2.127", "198.51.100.7", "2001:db8:7fff::1"}) {
    EXPECT_EQ(is_in_ranges(inside, ranges), true) << inside;
  }
  for (const char* outside : {"192.0.2.128", "198.51.100.6", "2001:db8:8000::1", "::c000:200"}) {
    EXPECT_EQ(is_in_ranges(outside, ranges), false) << outside;
  }
  EXPECT_EQ(is_in_ranges("192.0.2.1", {"0.0.0.0/0"}), true);
  EXPECT_EQ(is_in_ranges("UNKNOWN", ranges), std::nullopt);
  EXPECT_EQ(is_in_ranges("", ranges), std::nullopt);
}

}  // namespace
}  // namespace reversi::server

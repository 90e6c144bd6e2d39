#include "common/core/time.h"

#include <gtest/gtest.h>

namespace reversi {
namespace {

TEST(Rfc3339, IsWrittenInUtcWithMilliseconds) {
  EXPECT_EQ(format_rfc3339(WallTime{Millis{0}}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(WallTime{Millis{1'790'000'000'007}}), "2026-09-21T14:13:20.007Z");
}

TEST(Rfc3339, IsReadBack) {
  for (const std::int64_t ms :
       {std::int64_t{0}, std::int64_t{1'790'000'000'123}, std::int64_t{951'782'400'000}}) {
    const WallTime time{Millis{ms}};
    EXPECT_EQ(parse_rfc3339(format_rfc3339(time)), time);
  }
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01Z"), WallTime{Millis{1000}});
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01.5Z"), WallTime{Millis{1500}});
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01.123456789Z"), WallTime{Millis{1123}});
}

TEST(Rfc3339, RefusesAnythingElse) {
  for (const char* bad : {"", "now", "1970-01-01T00:00:01", "1970-02-30T00:00:00Z",
                          "1970-01-01T24:00:00Z", "1970-01-01T00:00:01.Z", "1970-01-01 00:00:01Z",
                          "1970-01-01T00:00:01+00:00", "197a-01-01T00:00:01Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
}

}  // namespace
}  // namespace reversi

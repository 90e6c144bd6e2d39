#include "server/core/line_rate.h"

#include <gtest/gtest.h>

namespace reversi::server {
namespace {

constexpr MonoTime kStart{Millis{1'000'000}};

TEST(LineRate, ABurstOfTheWholeBucketIsReadAtOnce) {
  LineRate rate(kStart);
  rate.set_forwards(2);
  for (int i = 0; i < 64 + 16; ++i) {
    EXPECT_EQ(rate.next_read(kStart), kStart) << i;
    rate.take(kStart);
  }
  EXPECT_EQ(rate.next_read(kStart), kStart + Millis{50}) << "20 a second from here on";
}

TEST(LineRate, TheBucketRefillsAndNeverBeyondItsSize) {
  LineRate rate(kStart);
  const MonoTime later = kStart + Millis{3'600'000};
  for (int i = 0; i < 64; ++i) rate.take(later);
  EXPECT_GT(rate.next_read(later), later);
}

TEST(LineRate, AMinuteOfAnEmptyBucketIsAbuse) {
  LineRate rate(kStart);
  MonoTime now = kStart;
  while (now < kStart + Millis{59'000}) {
    now = rate.next_read(now);
    rate.take(now);
    EXPECT_FALSE(rate.is_abused(now));
  }
  while (now < kStart + Millis{61'000}) {
    now = rate.next_read(now);
    rate.take(now);
  }
  EXPECT_TRUE(rate.is_abused(now));
}

TEST(LineRate, AQuietMomentIsForgiven) {
  LineRate rate(kStart);
  MonoTime now = kStart;
  for (int i = 0; i < 200; ++i) rate.take(now = rate.next_read(now));
  now += Millis{55'000};
  rate.take(now);
  for (int i = 0; i < 200; ++i) rate.take(now = rate.next_read(now));
  EXPECT_FALSE(rate.is_abused(now));
}

}  // namespace
}  // namespace reversi::server

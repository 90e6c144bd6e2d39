#include "client/core/receive_window.h"

#include <gtest/gtest.h>

namespace reversi::client {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kPlenty = 16 * 1024 * 1024;

class ReceiveWindowTest : public ::testing::Test {
 protected:
  /// A stream that carries one window a round trip, for so many round trips.
  void fill(Millis round_trip, int trips, std::uint32_t most = kPlenty) {
    for (int trip = 0; trip < trips; ++trip) {
      constexpr int kSteps = 10;
      for (int step = 0; step < kSteps; ++step) {
        now += round_trip / kSteps;
        bytes(window.size() / kSteps, round_trip, most);
      }
    }
  }
  void bytes(std::size_t count, Millis round_trip, std::uint32_t most) {
    if (!window.passed(count)) return;
    const auto opened = window.look(now, round_trip, most);
    if (!opened) return;
    EXPECT_EQ(*opened, window.size());
    ++openings;
  }

  ReceiveWindow window;
  MonoTime now{1h};
  int openings = 0;
};

TEST_F(ReceiveWindowTest, GrowsWithAStreamThatFillsItOverALongWay) {
  fill(100ms, 12);
  EXPECT_EQ(window.size(), kPlenty);
}

TEST_F(ReceiveWindowTest, StaysOnAShortWay) {
  for (int i = 0; i < 1000; ++i) {
    now += 1ms;
    bytes(1'000'000, 9ms, kPlenty);
  }
  EXPECT_EQ(window.size(), ReceiveWindow::kLeast);
  EXPECT_EQ(openings, 0);
}

TEST_F(ReceiveWindowTest, StaysForAStreamThatIsSlowByItself) {
  for (int i = 0; i < 100; ++i) {
    now += 100ms;
    bytes(300'000, 100ms, kPlenty);
  }
  EXPECT_EQ(window.size(), ReceiveWindow::kLeast);
}

TEST_F(ReceiveWindowTest, GrowsNoFurtherThanItMay) {
  fill(100ms, 12, 3'000'000);
  EXPECT_EQ(window.size(), 3'000'000U);
}

TEST_F(ReceiveWindowTest, NeverShrinksBelowWhatWasOpenedWhenRoomGetsLess) {
  fill(100ms, 12);
  fill(100ms, 3, 0);
  EXPECT_EQ(window.size(), kPlenty);
}

TEST_F(ReceiveWindowTest, AWiderOneIsOpenedAgainWhileMostOfItIsLeft) {
  fill(100ms, 12);
  openings = 0;
  fill(100ms, 10);
  EXPECT_GE(openings, 40);  // every second of the ten steps a round trip
  EXPECT_LE(openings, 60);
}

TEST_F(ReceiveWindowTest, ARestSaysNothingAboutTheWay) {
  bytes(ReceiveWindow::kBytesPerLook, 100ms, kPlenty);
  now += 1h;
  bytes(10'000'000, 100ms, kPlenty);
  EXPECT_EQ(window.size(), ReceiveWindow::kLeast);
}

}  // namespace
}  // namespace reversi::client

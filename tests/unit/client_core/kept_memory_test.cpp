#include "client/core/kept_memory.h"

#include <gtest/gtest.h>

namespace reversi::client {
namespace {

constexpr std::size_t kWindow = 1'280'000;

TEST(KeptMemory, WhatLibsshOnceHeldCountsAfterItWasRead) {
  EXPECT_EQ(kept_bytes(kWindow, 0), kWindow);
  EXPECT_EQ(kept_bytes(kWindow, 1000), kWindow + 1000);
}

TEST(KeptMemory, AConnectionThatNeverFellBehindCountsForNothingAndIsNeverFirst) {
  EXPECT_EQ(kept_bytes(32 * 1024, 0), 0U);
  const Keeper shell{kept_bytes(32 * 1024, 0), false, true};
  EXPECT_LT(turn_to_end(shell), turn_to_end({1, true, false}));
}

TEST(KeptMemory, AStoppedReaderGoesBeforeOneThatCaughtUpHoweverMuchThatKeeps) {
  EXPECT_GT(turn_to_end({kWindow, true, true}), turn_to_end({16 * kWindow, false, true}));
}

TEST(KeptMemory, AConnectionThatIsNotInUseGoesBeforeATransferUnderWay) {
  EXPECT_GT(turn_to_end({kWindow, false, true}), turn_to_end({2 * kWindow, true, false}));
}

TEST(KeptMemory, AmongAlikeTheOneThatKeepsMostGoesFirst) {
  EXPECT_GT(turn_to_end({2, true, false}), turn_to_end({1, true, false}));
  EXPECT_GT(turn_to_end({2, false, true}), turn_to_end({1, false, true}));
}

}  // namespace
}  // namespace reversi::client

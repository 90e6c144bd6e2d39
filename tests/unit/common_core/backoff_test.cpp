#include "common/core/backoff.h"

#include <gtest/gtest.h>

namespace reversi {
namespace {

TEST(Backoff, DoublesFromTheFirstDelayToTheLongest) {
  const BackoffPolicy policy{.first = Millis{1000}, .longest = Millis{60'000}};
  const Millis expected[] = {Millis{1000},  Millis{2000},  Millis{4000},  Millis{8000},
                             Millis{16000}, Millis{32000}, Millis{60000}, Millis{60000}};
  for (int failures = 1; failures <= 8; ++failures) {
    const double delay = static_cast<double>(backoff_delay(policy, "cam-07", failures).count());
    const double base = static_cast<double>(expected[failures - 1].count());
    EXPECT_GE(delay, base * 0.8) << failures;
    EXPECT_LE(delay, base * 1.2) << failures;
  }
}

TEST(Backoff, IsTheSameForTheSameNodeAndCountAndDiffersBetweenNodes) {
  const BackoffPolicy policy;
  EXPECT_EQ(backoff_delay(policy, "cam-07", 5), backoff_delay(policy, "cam-07", 5));
  EXPECT_NE(backoff_delay(policy, "cam-07", 5), backoff_delay(policy, "cam-08", 5));
}

TEST(Backoff, SurvivesAnyCountOfFailures) {
  const BackoffPolicy policy;
  EXPECT_GT(backoff_delay(policy, "n", 2'000'000'000), Millis{40'000});
  EXPECT_GT(backoff_delay(policy, "n", -1), Millis{0});
}

TEST(Backoff, AFleetIsSpreadEvenlyAfterAServerClose) {
  const BackoffPolicy policy{.spread = Millis{3000}};
  int in_first_third = 0;
  for (int node = 0; node < 300; ++node) {
    const Millis delay = delay_after_server_close(policy, "node-" + std::to_string(node), 1);
    EXPECT_GE(delay, Millis{0});
    EXPECT_LT(delay, policy.spread);
    in_first_third += delay < Millis{1000} ? 1 : 0;
  }
  EXPECT_NEAR(in_first_third, 100, 35);
}

TEST(Backoff, ASingleNodeReturnsAtOnceAndABigFleetWithinTwoSeconds) {
  EXPECT_EQ(delay_after_own_loss({.spread = Millis{0}}, "n", 1), Millis{0});
  for (std::uint64_t count = 0; count < 50; ++count) {
    EXPECT_LT(delay_after_own_loss({.spread = Millis{60'000}}, "n", count), Millis{2000});
  }
}

TEST(Backoff, WithoutAnAnswerTheWaitStaysShort) {
  EXPECT_EQ(delay_without_answer(1), Millis{1000});
  EXPECT_EQ(delay_without_answer(4), Millis{8000});
  EXPECT_EQ(delay_without_answer(5), Millis{8000});
  EXPECT_EQ(delay_without_answer(1000), Millis{8000});
}

}  // namespace
}  // namespace reversi

#include "server/core/event_queue.h"

#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace reversi::server {
namespace {

TEST(EventQueue, AnEventThatArisesMeanwhileWaitsForItsTurn) {
  EventQueue<int> queue;
  std::vector<int> handled;
  EXPECT_TRUE(queue.feed(1, [&](int event) {
    if (event == 1) {
      EXPECT_FALSE(queue.feed(2, [](int) { FAIL() << "not in the midst of another"; }));
    }
    handled.push_back(event);
  }));
  EXPECT_EQ(handled, (std::vector<int>{1, 2}));
}

TEST(EventQueue, AfterAnExceptionItIsEmptyAndTakesTheNext) {
  EventQueue<int> queue;
  const auto fail = [&](int event) {
    queue.feed(event + 1, [](int) {});
    throw std::runtime_error("no memory");
  };
  EXPECT_THROW(queue.feed(1, fail), std::runtime_error);
  std::vector<int> handled;
  EXPECT_TRUE(queue.feed(9, [&](int event) { handled.push_back(event); }));
  EXPECT_EQ(handled, std::vector<int>{9});
}

}  // namespace
}  // namespace reversi::server

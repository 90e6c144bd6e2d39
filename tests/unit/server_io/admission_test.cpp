#include "server/io/admission.h"

#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "tests/unit/server_io/state_dir_fixture.h"

namespace reversi::server {
namespace {

class AdmissionTest : public testing::StateDirTest {};

TEST_F(AdmissionTest, WhoFindsNoPlaceIsTurnedAwayAndAPlaceThatIsFreeAgainIsTaken) {
  auto first = enter(state, 2, Millis{0});
  const auto second = enter(state, 2, Millis{0});
  ASSERT_TRUE(first && *first);
  ASSERT_TRUE(second && *second);
  const auto third = enter(state, 2, Millis{30});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), Errc::timeout);
  first->reset();
  const auto fourth = enter(state, 2, Millis{0});
  EXPECT_TRUE(fourth && *fourth);
}

TEST_F(AdmissionTest, ANewcomerWaitsAMomentForAPlace) {
  auto first = enter(state, 1, Millis{0});
  ASSERT_TRUE(first);
  std::thread leaving([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    first->reset();
  });
  EXPECT_TRUE(enter(state, 1, Millis{5000}));
  leaving.join();
}

TEST_F(AdmissionTest, ADirectoryThatCannotBeUsedTurnsNobodyAway) {
  put(dir + "/admission", "in the way");
  const auto place = enter(state, 1, Millis{0});
  ASSERT_TRUE(place);
  EXPECT_FALSE(*place);
}

}  // namespace
}  // namespace reversi::server

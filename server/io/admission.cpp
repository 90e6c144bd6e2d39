#include "server/io/admission.h"

#include <poll.h>
#include <unistd.h>

#include <string>

#include "common/io/clock.h"
#include "common/io/files.h"

namespace reversi::server {
namespace {

constexpr int kLookEveryMs = 150;  // hundreds may wait, and each look costs a call a place

}  // namespace

Result<UniqueFd> enter(const StateDir& state, std::int64_t places, Millis limit) {
  const std::string directory = state.path() + "/admission";
  if (!make_directories(directory, 0700)) return UniqueFd{};
  const MonoTime deadline = mono_now() + limit;
  for (;;) {
    bool all_taken = true;
    for (std::int64_t i = 0; i < places; ++i) {
      // Not all begin at the same door.
      const std::int64_t place = (::getpid() + i) % places;
      auto lock = lock_file(directory + "/" + std::to_string(place), Millis{0});
      if (lock) return lock;
      all_taken = all_taken && lock.error().code() == Errc::timeout;
    }
    if (!all_taken) return UniqueFd{};
    if (mono_now() >= deadline) {
      return fail(Errc::timeout,
                  std::to_string(places) + " nodes are logging in at this moment already");
    }
    ::poll(nullptr, 0, kLookEveryMs);
  }
}

}  // namespace reversi::server

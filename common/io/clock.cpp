#include "common/io/clock.h"

namespace reversi {

MonoTime mono_now() {
  return MonoTime{
      std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch())};
}

WallTime wall_now() {
  return std::chrono::floor<Millis>(std::chrono::system_clock::now());
}

}  // namespace reversi

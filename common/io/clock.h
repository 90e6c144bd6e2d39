#pragma once

#include "common/core/time.h"

namespace reversi {

/// CLOCK_MONOTONIC. Does not count while the machine sleeps.
[[nodiscard]] MonoTime mono_now();
/// CLOCK_REALTIME, for what people read; never for a decision.
[[nodiscard]] WallTime wall_now();

}  // namespace reversi

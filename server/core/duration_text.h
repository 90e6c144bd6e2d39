#pragma once

#include <string>

#include "common/core/time.h"

namespace reversi::server {

/// "4.1 s", "3 min 20 s", "2 h 5 min", "3 d 4 h": two figures are enough for a person.
[[nodiscard]] std::string format_duration(Millis duration);
/// The same for a column, at most seven wide: "41s", "3m20s", "2h05m", "3d04h", "120d".
[[nodiscard]] std::string format_short_duration(Millis duration);

}  // namespace reversi::server

#pragma once
// The bounds of status_from_json(), for both ways to read a status: status.cpp and status_scan.cpp.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "common/core/time.h"

namespace reversi {

inline constexpr std::int64_t kMostPid = std::int64_t{1} << 31;
inline constexpr Millis kLongestStatusSpan{std::chrono::days{366}};
inline constexpr std::size_t kMostStatusText = 1024;
inline constexpr std::size_t kMostStatusForwards = 64;

}  // namespace reversi

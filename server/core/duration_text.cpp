#include "server/core/duration_text.h"

#include <algorithm>
#include <cstdint>

namespace reversi::server {
namespace {

std::int64_t whole_seconds(Millis duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

std::string format_duration(Millis duration) {
  const auto seconds = whole_seconds(duration);
  if (seconds < 60) {
    const auto tenths = duration.count() / 100;
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " s";
  }
  const auto two = [](std::int64_t large, const char* a, std::int64_t small, const char* b) {
    return std::to_string(large) + a + std::to_string(small) + b;
  };
  if (seconds < 3600) return two(seconds / 60, " min ", seconds % 60, " s");
  if (seconds < 86400) return two(seconds / 3600, " h ", seconds % 3600 / 60, " min");
  return two(seconds / 86400, " d ", seconds % 86400 / 3600, " h");
}

std::string format_short_duration(Millis duration) {
  const auto seconds = std::max<std::int64_t>(whole_seconds(duration), 0);
  const auto two = [](std::int64_t large, char a, std::int64_t small, char b) {
    return std::to_string(large) + a + (small < 10 ? "0" : "") + std::to_string(small) + b;
  };
  constexpr std::int64_t kMostDays = 9999;
  if (seconds < 60) return std::to_string(seconds) + 's';
  if (seconds < 3600) return two(seconds / 60, 'm', seconds % 60, 's');
  if (seconds < 86400) return two(seconds / 3600, 'h', seconds % 3600 / 60, 'm');
  const auto days = seconds / 86400;
  if (days < 100) return two(days, 'd', seconds % 86400 / 3600, 'h');
  return std::to_string(std::min(days, kMostDays)) + 'd';
}

}  // namespace reversi::server

#include "server/core/line_rate.h"

#include <algorithm>

namespace reversi::server {
namespace {

constexpr Millis kLineCost{50};  // 20 lines a second
constexpr Millis kPatience{60'000};
/// The bucket counts as recovered once it holds this much.
constexpr Millis kRecovered = kLineCost * 8;

}  // namespace

void LineRate::set_forwards(std::size_t forwards) {
  const Millis grown = kLineCost * static_cast<int>(64 + 8 * forwards);
  level_ += grown - capacity_;
  capacity_ = grown;
}

void LineRate::refill(MonoTime now) {
  level_ = std::min(capacity_, level_ + (now - counted_));
  counted_ = now;
}

void LineRate::take(MonoTime now) {
  refill(now);
  if (level_ >= kRecovered) empty_since_.reset();
  level_ -= kLineCost;
  if (level_ < kLineCost && !empty_since_) empty_since_ = now;
}

MonoTime LineRate::next_read(MonoTime now) const {
  const Millis level = level_ + (now - counted_);
  return level >= kLineCost ? now : now + (kLineCost - level);
}

bool LineRate::is_abused(MonoTime now) const {
  return empty_since_ && now - *empty_since_ >= kPatience && level_ + (now - counted_) < kRecovered;
}

}  // namespace reversi::server

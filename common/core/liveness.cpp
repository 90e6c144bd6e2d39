#include "common/core/liveness.h"

#include <algorithm>
#include <utility>

namespace reversi {

bool is_progress(const ProgressSample& before, const ProgressSample& now) {
  return now.bytes_received > before.bytes_received ||
         (before.has_unacked && now.bytes_acked > before.bytes_acked);
}

MonoTime ReplyClock::deadline(Millis quiet_limit, Millis whole_limit) const {
  return std::min(quiet_since_ + quiet_limit, asked_ + whole_limit);
}

void Liveness::beat_sent(MonoTime now) {
  clock_.start(now);
  owed_ = true;
  answers_old_question_ = false;
}

std::optional<Millis> Liveness::replied(MonoTime now) {
  if (!owed_) return std::nullopt;
  owed_ = false;
  if (std::exchange(answers_old_question_, false)) {
    // Asked before the hint, so it says nothing about the path as it is now.
    next_beat_ = now;
    return now - clock_.asked();
  }
  hinted_ = false;
  const Millis rtt = now - clock_.asked();
  rtt_ = rtt_ ? (*rtt_ * 7 + rtt) / 8 : rtt;  // RFC 6298's weight of 1/8
  next_beat_ = clock_.asked() + policy_.interval;
  return rtt;
}

void Liveness::progressed(MonoTime now) {
  clock_.progressed(now);
}

void Liveness::hint(MonoTime now) {
  next_beat_ = now;
  // A reply that is owed already was asked for before the change: its clock starts anew, but once
  // only, or hint upon hint would keep a dead path alive.
  if (owed_ && !hinted_) {
    clock_.start(now);
    answers_old_question_ = true;
  }
  hinted_ = true;
}

void Liveness::overslept(MonoTime now, Millis slept) {
  next_beat_ = now;
  hinted_ = true;
  if (!owed_) return;
  clock_.overslept(now, slept);
  answers_old_question_ = true;
}

Millis Liveness::suspect_limit() const {
  return std::max(policy_.suspect_floor, rtt_.value_or(Millis{0}) * 4);
}

Life Liveness::judge(MonoTime now) const {
  if (!owed_) return hinted_ ? Life::suspect : Life::alive;
  const Millis suspect_after = suspect_limit();
  const Millis dead_after = suspect_after + policy_.dead_after_suspect;
  if (now >= clock_.deadline(dead_after, std::max(policy_.progress_limit, dead_after))) {
    return Life::dead;
  }
  return hinted_ || now >= clock_.quiet_since() + suspect_after ? Life::suspect : Life::alive;
}

MonoTime Liveness::next_deadline(MonoTime now) const {
  if (!owed_) return next_beat_;
  const Millis suspect_after = suspect_limit();
  const Millis dead_after = suspect_after + policy_.dead_after_suspect;
  const MonoTime suspect_at = clock_.quiet_since() + suspect_after;
  const MonoTime dead_at =
      clock_.deadline(dead_after, std::max(policy_.progress_limit, dead_after));
  return now < suspect_at ? std::min(suspect_at, dead_at) : dead_at;
}

}  // namespace reversi

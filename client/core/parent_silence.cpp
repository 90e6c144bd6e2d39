#include "client/core/parent_silence.h"

namespace reversi::client {

void ParentSilence::heard(MonoTime now) {
  look_at_ = now + kLimit - kBetweenLooks;
  is_second_look_ = false;
}

bool ParentSilence::is_over(MonoTime now) {
  if (now < look_at_) return false;
  if (now - look_at_ >= kOversleptLimit) {
    heard(now);
    return false;
  }
  if (is_second_look_) return true;
  look_at_ = now + kBetweenLooks;
  is_second_look_ = true;
  return false;
}

}  // namespace reversi::client

#pragma once

#include "common/core/time.h"

namespace reversi::client {

/// Has the supervisor hung? It owes the worker a line every 10 s (worker_messages.h), and one that says nothing for
/// 30 s is ended. The worker looks twice, because it may have been stopped itself and then wakes with the lines of
/// that time still unread: between the first look and the second they are heard.
class ParentSilence {
 public:
  static constexpr Millis kLimit{30'000};
  static constexpr Millis kBetweenLooks{500};
  /// A look that comes this much late: the whole machine was stopped or starved, the supervisor with us.
  static constexpr Millis kOversleptLimit{3000};

  explicit ParentSilence(MonoTime now) { heard(now); }

  /// A line came.
  void heard(MonoTime now);
  /// To be asked at look_at(). True: it hangs. False: look again at look_at().
  [[nodiscard]] bool is_over(MonoTime now);
  [[nodiscard]] MonoTime look_at() const { return look_at_; }

 private:
  MonoTime look_at_{};
  bool is_second_look_ = false;
};

}  // namespace reversi::client

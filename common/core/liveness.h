#pragma once
// Is the other side alive? Both sides use this: the supervisor for its heartbeats, the agent for
// its dead-man switch and its challenge.
//
// A user's download over a slow link delays every reply (8 s at 2 Mbit/s, measured), so a late
// reply alone proves nothing. *Progress* is any byte received on the session, or, while bytes of
// ours are queued or unacknowledged, any growth of TCP_INFO bytes_acked. The clock of a reply runs
// only while there is no progress; but progress without any reply is not believed for ever either
// (a stopped peer under a user's traffic).

#include <cstdint>
#include <optional>

#include "common/core/time.h"

namespace reversi {

/// What a side knows of its SSH connection at one moment. Counters since the connection began.
struct ProgressSample {
  std::uint64_t bytes_received = 0;  ///< by us, from the peer
  std::uint64_t bytes_acked = 0;     ///< of ours, by the peer's kernel (TCP_INFO tcpi_bytes_acked)
  bool has_unacked = false;  ///< bytes of ours queued in the library, the socket, or unacked

  friend bool operator==(const ProgressSample&, const ProgressSample&) = default;
};

/// Whether the connection moved between two samples. `bytes_acked` counts only where bytes of ours
/// were outstanding at the earlier sample.
[[nodiscard]] bool is_progress(const ProgressSample& before, const ProgressSample& now);

/// Runs while a reply is owed, and stands still while there is progress.
class ReplyClock {
 public:
  /// Starts (or restarts) the wait for a reply.
  void start(MonoTime now) {
    asked_ = now;
    quiet_since_ = now;
  }
  void progressed(MonoTime now) {
    if (now > quiet_since_) quiet_since_ = now;
  }
  /// We did not look for `slept`. Until now nothing is known, and of the whole wait only the time in
  /// which we looked counts.
  void overslept(MonoTime now, Millis slept) {
    asked_ += slept;
    quiet_since_ = now;
  }
  /// When the wait began.
  [[nodiscard]] MonoTime asked() const { return asked_; }
  /// Since when there has been neither a reply nor progress.
  [[nodiscard]] MonoTime quiet_since() const { return quiet_since_; }
  /// When the wait is over if nothing more is heard: `quiet_limit` without progress, or
  /// `whole_limit` whatever the progress.
  [[nodiscard]] MonoTime deadline(Millis quiet_limit, Millis whole_limit) const;

 private:
  MonoTime asked_{};
  MonoTime quiet_since_{};
};

struct LivenessPolicy {
  Millis interval{15'000};          ///< between heartbeats while all is well
  Millis suspect_floor{2000};       ///< suspect after max(this, 4 × smoothed RTT) without progress
  Millis dead_after_suspect{5000};  ///< this much longer without progress: dead
  Millis progress_limit{60'000};    ///< progress without any reply: dead
};

enum class Life { alive, suspect, dead };

/// The supervisor's view of its session. At most one heartbeat is unanswered at a time.
///
/// alive ──no reply for max(2 s, 4 × SRTT) without progress, or a hint──▶ suspect
/// suspect ──a reply to a heartbeat sent after the suspicion──▶ alive
/// suspect ──5 s more without progress──▶ dead;   any ──60 s without a reply──▶ dead
class Liveness {
 public:
  Liveness(LivenessPolicy policy, MonoTime now) : policy_(policy), next_beat_(now) {}

  /// A heartbeat was written.
  void beat_sent(MonoTime now);
  /// Its reply came. Returns the round trip; nothing if none was owed.
  std::optional<Millis> replied(MonoTime now);
  void progressed(MonoTime now);
  /// Something happened that may have cut the path (address or route changed, machine slept): beat
  /// at once, and be suspect until a reply comes.
  void hint(MonoTime now);
  /// The same, and this process itself stood still: a reply may lie unread, so the clock starts anew
  /// each time. A machine that stalls again and again still finds a dead path: once it has looked for
  /// `progress_limit` in all.
  void overslept(MonoTime now, Millis slept);

  [[nodiscard]] Life judge(MonoTime now) const;
  /// A heartbeat should be written now.
  [[nodiscard]] bool is_beat_due(MonoTime now) const { return !owed_ && now >= next_beat_; }
  /// A reply is owed, so progress is worth sampling.
  [[nodiscard]] bool is_reply_owed() const { return owed_; }
  /// When judge() or is_beat_due() may next change without an event.
  [[nodiscard]] MonoTime next_deadline(MonoTime now) const;

 private:
  [[nodiscard]] Millis suspect_limit() const;

  LivenessPolicy policy_;
  ReplyClock clock_;
  bool owed_ = false;
  bool hinted_ = false;
  bool answers_old_question_ = false;  // the owed reply was asked for before the hint
  MonoTime next_beat_;
  std::optional<Millis> rtt_;
};

}  // namespace reversi

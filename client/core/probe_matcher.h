#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "common/core/names.h"
#include "common/core/protocol.h"
#include "common/core/time.h"

namespace reversi::client {

/// Brings the probes of one forward together with the channels on which they arrive, in either
/// order: the agent's announcement and its connection travel on different channels. A channel is
/// known by the originator's port (RFC 4254, 7.2), which the agent bound before it announced it.
class ProbeMatcher {
 public:
  /// An answer for the agent: this probe arrived, and this is what its target said.
  struct Match {
    std::int64_t probe = 0;
    TargetOutcome target = TargetOutcome::ok;
    friend bool operator==(const Match&, const Match&) = default;
  };

  static constexpr std::size_t kMostEntries = 256;  // of each kind; the oldest go first
  static constexpr Millis kChannelMemory{10'000};   // ports are used again later
  static constexpr Millis kWatchMemory{60'000};

  /// A channel of the forward opened.
  void channel_opened(Port originator_port, MonoTime now);
  /// Its target was connected to, or not.
  [[nodiscard]] std::optional<Match> target_answered(Port originator_port, TargetOutcome outcome,
                                                     MonoTime now);
  /// A probe is announced.
  [[nodiscard]] std::optional<Match> watch(std::int64_t probe, Port originator_port,
                                           Millis patience, MonoTime now);
  /// When overdue() is to be asked next; never, while no probe waits for its target.
  [[nodiscard]] std::optional<MonoTime> next_overdue() const;
  /// The probes that arrived and whose targets have used up the patience; each once.
  [[nodiscard]] std::vector<Match> overdue(MonoTime now);

 private:
  struct Channel {
    Port port = 0;
    MonoTime opened;
    std::optional<TargetOutcome> outcome;
  };
  struct Watch {
    std::int64_t probe = 0;
    Port port = 0;
    Millis patience{0};
    MonoTime since;
  };

  /// Of a probe that waits for its target: when its patience ends.
  [[nodiscard]] std::optional<MonoTime> patience_end(const Watch& watch) const;
  void forget_old(MonoTime now);

  std::deque<Channel> channels_;  // oldest first
  std::deque<Watch> watches_;
};

}  // namespace reversi::client

#pragma once
// Who may evict whom: decisions only. server/io/claim.cpp looks, asks, signals and waits.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/protocol.h"
#include "common/core/time.h"
#include "server/core/node.h"
#include "server/core/policy.h"

namespace reversi::server {

/// What a newcomer finds of the session that session.json names.
struct Recorded {
  SessionRecord record;
  bool is_this_boot = false;  ///< else its processes are gone, whatever their pids do now
  bool sshd_lives = false;
  bool agent_lives = false;
  bool agent_is_stopped = false;  ///< asking it would be in vain
  /// Since the last heartbeat; nothing if unknown.
  std::optional<Millis> silence;
  Millis dead_after{45'000};
};

enum class Claim {
  free,       ///< nothing lives that could hold the ports
  evict,      ///< end it now
  challenge,  ///< let its agent ask its node first
  stay_away,  ///< the recorded session is the newer one
};
struct ClaimDecision {
  Claim claim = Claim::free;
  std::string why;  ///< for the `evicted` event

  friend bool operator==(const ClaimDecision&, const ClaimDecision&) = default;
};

/// Silence alone is no proof: the wall clock, which measures it, may have been set.
/// @param newcomer_sshd  Of two connections of one run, the later one is what the node wants.
[[nodiscard]] ClaimDecision decide_claim(const std::optional<Recorded>& recorded,
                                         std::string_view newcomer_run,
                                         const ProcessId& newcomer_sshd);

/// How long a newcomer is to stay away: doubles with each time it came within the hour.
[[nodiscard]] Millis duplicate_retry(const ServerPolicy& policy, std::int64_t count);

/// One sshd process of our uid without a child, before or after a number of connections to the
/// port.
struct HolderCandidate {
  ProcessId id;
  bool is_stopped = false;
  std::uint64_t voluntary_switches = 0;
};

inline constexpr int kHolderConnects = 10;  ///< each wakes the holder at least once
inline constexpr std::uint64_t kHolderGrowth = 8;

/// One round: as long without any connection of ours as with kHolderConnects of them.
struct HolderRound {
  std::vector<HolderCandidate> began;
  std::vector<HolderCandidate> left_alone;
  std::vector<HolderCandidate> knocked;
};

/// Whom one round points at.
struct HolderGuess {
  /// The one process that our connections woke and that slept when there were none. A stopped one cannot wake: it is
  /// taken if there is no other candidate at all.
  std::optional<ProcessId> holder;
  /// Somebody woke of his own accord, or is stopped: he might be the holder, and the one we see a chance hit.
  bool is_doubtful = false;
};
[[nodiscard]] HolderGuess guess_holder(const HolderRound& round);

/// How many rounds in a row must point at the same process before it is taken for the holder.
inline constexpr int kSureRounds = 2;
inline constexpr int kDoubtfulRounds = 4;  ///< once one of them was doubtful

}  // namespace reversi::server

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

/// Nobody among the candidates is busy of its own accord: only then does a wake-up mean that we
/// caused it. Without any connection of ours between the two looks.
[[nodiscard]] bool is_quiet(const std::vector<HolderCandidate>& earlier,
                            const std::vector<HolderCandidate>& later);

/// The one process that our connections woke; nothing unless exactly one grew by kHolderGrowth.
/// A stopped process cannot wake, so it may be the holder whoever else woke: with one among the
/// candidates the answer is nothing, unless there is no other candidate at all.
[[nodiscard]] std::optional<ProcessId> find_holder(const std::vector<HolderCandidate>& before,
                                                   const std::vector<HolderCandidate>& after);

}  // namespace reversi::server

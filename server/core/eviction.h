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
  /// Since the last heartbeat; nothing if unknown.
  std::optional<Millis> silence;
  Millis dead_after{45'000};
};

enum class Claim {
  free,       ///< nothing lives that could hold the ports
  evict,      ///< end it now
  challenge,  ///< let its agent ask its node first
};
struct ClaimDecision {
  Claim claim = Claim::free;
  std::string why;  ///< for the `evicted` event

  friend bool operator==(const ClaimDecision&, const ClaimDecision&) = default;
};

[[nodiscard]] ClaimDecision decide_claim(const std::optional<Recorded>& recorded,
                                         std::string_view newcomer_run);

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

/// The one process that our connections woke; nothing unless exactly one grew by kHolderGrowth.
/// A stopped process cannot wake: it is the holder only if there is no other candidate at all.
[[nodiscard]] std::optional<ProcessId> find_holder(const std::vector<HolderCandidate>& before,
                                                   const std::vector<HolderCandidate>& after);

}  // namespace reversi::server

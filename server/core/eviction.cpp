#include "server/core/eviction.h"

#include <algorithm>

namespace reversi::server {

ClaimDecision decide_claim(const std::optional<Recorded>& recorded, std::string_view newcomer_run,
                           const ProcessId& newcomer_sshd) {
  if (!recorded || !recorded->is_this_boot) return {};
  if (!recorded->sshd_lives && !recorded->agent_lives) return {};
  if (!recorded->sshd_lives) return {Claim::evict, "its sshd is gone and its agent is left over"};
  if (!recorded->agent_lives) return {Claim::evict, "its agent is gone and its sshd is left over"};
  if (!newcomer_run.empty() && recorded->record.run == newcomer_run) {
    if (recorded->record.sshd.start_time > newcomer_sshd.start_time) {
      return {Claim::stay_away, "the same supervisor has a newer connection"};
    }
    return {Claim::evict, "the same supervisor is back"};
  }
  if (recorded->agent_is_stopped && recorded->silence &&
      *recorded->silence > recorded->dead_after) {
    return {Claim::evict,
            "its node was silent for " + std::to_string(recorded->silence->count()) + " ms"};
  }
  return {Claim::challenge, "its node did not answer a challenge"};
}

Millis duplicate_retry(const ServerPolicy& policy, std::int64_t count) {
  Millis retry = policy.duplicate_retry;
  for (std::int64_t i = 1; i < count && retry < policy.duplicate_retry_longest; ++i) retry *= 2;
  return std::min(retry, policy.duplicate_retry_longest);
}

bool is_quiet(const std::vector<HolderCandidate>& earlier,
              const std::vector<HolderCandidate>& later) {
  return std::ranges::none_of(later, [&](const HolderCandidate& candidate) {
    const auto same = std::ranges::find(earlier, candidate.id, &HolderCandidate::id);
    return same != earlier.end() &&
           candidate.voluntary_switches >= same->voluntary_switches + kHolderGrowth / 2;
  });
}

std::optional<ProcessId> find_holder(const std::vector<HolderCandidate>& before,
                                     const std::vector<HolderCandidate>& after) {
  if (std::ranges::any_of(after, &HolderCandidate::is_stopped)) {
    const bool is_sole =
        before.size() == 1 && after.size() == 1 && before.front().id == after.front().id;
    return is_sole ? std::optional(after.front().id) : std::nullopt;
  }
  std::optional<ProcessId> holder;
  for (const HolderCandidate& candidate : after) {
    const auto same = std::ranges::find(before, candidate.id, &HolderCandidate::id);
    if (same == before.end()) continue;
    if (candidate.voluntary_switches < same->voluntary_switches + kHolderGrowth) continue;
    if (holder) return std::nullopt;
    holder = candidate.id;
  }
  return holder;
}

}  // namespace reversi::server

#include "server/core/eviction.h"

#include <algorithm>

namespace reversi::server {

ClaimDecision decide_claim(const std::optional<Recorded>& recorded, std::string_view newcomer_run) {
  if (!recorded || !recorded->is_this_boot) return {};
  if (!recorded->sshd_lives && !recorded->agent_lives) return {};
  if (!recorded->sshd_lives) return {Claim::evict, "its sshd is gone and its agent is left over"};
  if (!recorded->agent_lives) return {Claim::evict, "its agent is gone and its sshd is left over"};
  if (!newcomer_run.empty() && recorded->record.run == newcomer_run) {
    return {Claim::evict, "the same supervisor is back"};
  }
  if (recorded->silence && *recorded->silence > recorded->dead_after) {
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

std::optional<ProcessId> find_holder(const std::vector<HolderCandidate>& before,
                                     const std::vector<HolderCandidate>& after) {
  if (before.size() == 1 && after.size() == 1 && before.front().id == after.front().id &&
      after.front().is_stopped) {
    return after.front().id;
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

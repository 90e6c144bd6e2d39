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

HolderGuess guess_holder(const HolderRound& round) {
  const auto grew = [](const std::vector<HolderCandidate>& from, const HolderCandidate& to,
                       std::uint64_t by) {
    const auto same = std::ranges::find(from, to.id, &HolderCandidate::id);
    return same != from.end() && to.voluntary_switches >= same->voluntary_switches + by;
  };
  HolderGuess guess;
  std::vector<ProcessId> busy;
  for (const HolderCandidate& candidate : round.left_alone) {
    if (grew(round.began, candidate, kHolderGrowth / 2)) busy.push_back(candidate.id);
  }
  const bool has_stopped = std::ranges::any_of(round.knocked, &HolderCandidate::is_stopped);
  if (has_stopped && round.left_alone.size() == 1 && round.knocked.size() == 1 &&
      round.left_alone.front().id == round.knocked.front().id) {
    guess.holder = round.knocked.front().id;
    return guess;
  }
  guess.is_doubtful = has_stopped || !busy.empty();
  for (const HolderCandidate& candidate : round.knocked) {
    const bool is_busy = std::ranges::find(busy, candidate.id) != busy.end();
    if (is_busy || !grew(round.left_alone, candidate, kHolderGrowth)) continue;
    if (guess.holder) return {std::nullopt, guess.is_doubtful};
    guess.holder = candidate.id;
  }
  return guess;
}

}  // namespace reversi::server

#include "client/core/probe_matcher.h"

#include <algorithm>

namespace reversi::client {

void ProbeMatcher::forget_old(MonoTime now) {
  while (!channels_.empty() &&
         (channels_.size() > kMostEntries || now - channels_.front().opened > kChannelMemory)) {
    channels_.pop_front();
  }
  while (!watches_.empty() &&
         (watches_.size() > kMostEntries || now - watches_.front().since > kWatchMemory)) {
    watches_.pop_front();
  }
}

void ProbeMatcher::channel_opened(Port originator_port, MonoTime now) {
  std::erase_if(channels_, [&](const Channel& c) { return c.port == originator_port; });
  channels_.push_back({originator_port, now, std::nullopt});
  forget_old(now);
}

std::optional<ProbeMatcher::Match> ProbeMatcher::target_answered(Port originator_port,
                                                                 TargetOutcome outcome,
                                                                 MonoTime now) {
  forget_old(now);
  const auto channel = std::ranges::find(channels_, originator_port, &Channel::port);
  if (channel != channels_.end()) channel->outcome = outcome;
  const auto watched = std::ranges::find(watches_, originator_port, &Watch::port);
  if (watched == watches_.end()) return std::nullopt;
  const Match match{watched->probe, outcome};
  watches_.erase(watched);
  if (channel != channels_.end()) channels_.erase(channel);
  return match;
}

std::optional<ProbeMatcher::Match> ProbeMatcher::watch(std::int64_t probe, Port originator_port,
                                                       Millis patience, MonoTime now) {
  forget_old(now);
  const auto channel = std::ranges::find(channels_, originator_port, &Channel::port);
  if (channel != channels_.end() && channel->outcome) {
    const Match match{probe, *channel->outcome};
    channels_.erase(channel);
    return match;
  }
  std::erase_if(watches_, [&](const Watch& w) { return w.port == originator_port; });
  watches_.push_back({probe, originator_port, patience, now});
  forget_old(now);
  return std::nullopt;
}

std::optional<MonoTime> ProbeMatcher::patience_end(const Watch& watch) const {
  const auto channel = std::ranges::find(channels_, watch.port, &Channel::port);
  if (channel == channels_.end() || channel->outcome) return std::nullopt;
  return channel->opened + watch.patience;
}

std::optional<MonoTime> ProbeMatcher::next_overdue() const {
  std::optional<MonoTime> next;
  for (const Watch& watch : watches_) next = earlier(next, patience_end(watch));
  return next;
}

std::vector<ProbeMatcher::Match> ProbeMatcher::overdue(MonoTime now) {
  std::vector<Match> matches;
  std::erase_if(watches_, [&](const Watch& watch) {
    const auto end = patience_end(watch);
    const bool is_late = end && now >= *end;
    if (is_late) matches.push_back({watch.probe, TargetOutcome::timeout});
    return is_late;
  });
  return matches;
}

}  // namespace reversi::client

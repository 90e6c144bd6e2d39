#include "server/core/verdict.h"

#include <algorithm>

namespace reversi::server {
namespace {

/// A session is not believed on progress alone for longer than this (liveness.h, progress_limit).
constexpr Millis kLongestAnswer{60'000};

bool is_slow_link(Millis probe_limit, Millis path_latency) {
  return path_latency * 2 > probe_limit;
}

}  // namespace

const VerdictRow& verdict_row(Sight sight) {
  return *std::ranges::find(kVerdictRows, sight, &VerdictRow::sight);
}

bool proves_path(Sight sight) {
  switch (sight) {
    case Sight::target_unreachable:
    case Sight::no_answer:
    case Sight::no_answer_yet:
    case Sight::other_answer:
    case Sight::expected_answer:
      return true;
    default:
      return false;
  }
}

std::optional<ProbeReport> judge_target(TargetOutcome outcome) {
  if (outcome == TargetOutcome::ok) return std::nullopt;
  const std::string what = outcome == TargetOutcome::timeout
                               ? "does not take the connection"
                               : "is " + std::string(target_outcome_name(outcome));
  return ProbeReport{Sight::target_unreachable, "the target on the node " + what, std::nullopt};
}

Millis answer_limit(Millis probe_limit, Millis path_latency) {
  if (!is_slow_link(probe_limit, path_latency)) return probe_limit;
  return std::min(std::max(probe_limit, path_latency * 3), kLongestAnswer);
}

Sight judge_silence(Millis probe_limit, Millis path_latency) {
  return is_slow_link(probe_limit, path_latency) ? Sight::no_answer_yet : Sight::no_answer;
}

ProbeReport combine(const std::vector<ProbeReport>& families) {
  const auto with = [&](auto wanted) { return std::ranges::find_if(families, wanted); };
  const auto foreign = with([](const auto& r) { return r.sight == Sight::foreign_listener; });
  if (foreign != families.end()) return *foreign;
  const auto proven = with([](const auto& r) { return proves_path(r.sight); });
  const auto lost = with([](const auto& r) { return r.sight == Sight::no_path; });
  if (proven != families.end() && lost != families.end()) {
    return {Sight::foreign_listener,
            "one address of the port leads to another listener: " + lost->reason, std::nullopt};
  }
  if (proven != families.end()) return *proven;
  if (lost != families.end()) return *lost;
  const auto unprobed = with([](const auto& r) { return r.sight == Sight::not_probed; });
  if (unprobed != families.end()) return *unprobed;
  return families.empty() ? ProbeReport{Sight::refused, "nobody listens on the port", std::nullopt}
                          : families.front();
}

}  // namespace reversi::server

#include "server/core/forward_watch.h"

#include <algorithm>
#include <utility>

namespace reversi::server {
namespace {

bool set_verdict(ForwardStatus& status, Verdict verdict, const std::string& reason, WallTime now) {
  const bool has_changed = status.verdict != verdict;
  if (has_changed) status.since = now;
  status.verdict = verdict;
  status.reason = reason;
  return has_changed;
}

/// What the node has to do once the verdict stands.
Next cure(WatchedForward& forward, Cure wanted, bool another_works, MonoTime now) {
  switch (wanted) {
    case Cure::keep:
    case Cure::probe_later:
      return Next::nothing;
    case Cure::ask_again:
    case Cure::free_port:
      if (!forward.ask_again_at) forward.ask_again_at = now + kAskAgain;
      return Next::nothing;
    case Cure::restart:
      return Next::restart;
    case Cure::forward_again:
      break;
  }
  // Asking once is cheap and keeps the session. Asked in vain, the session is given up, unless it
  // is of use to another forward: then we ask again, unhurried.
  if (!forward.ask_again_at) forward.ask_again_at = now + kAskAgain;
  if (forward.was_asked_again) return another_works ? Next::nothing : Next::restart;
  forward.was_asked_again = true;
  forward.strikes = 0;
  return Next::forward_again;
}

WatchedForward watch(const HelloForward& asked, const NodeForward* granted, WallTime now) {
  WatchedForward forward;
  forward.status.name = asked.name;
  forward.status.target = asked.target;
  forward.status.since = now;
  const std::string listen = granted ? format_listen(granted->port) : std::string{};
  const bool is_other_listen = granted && asked.listen && *asked.listen != listen;
  if (!granted || is_other_listen) {
    forward.status.listen = asked.listen.value_or("");
    const std::string reason = is_other_listen
                                   ? "the node wants to listen on " + printable(*asked.listen, 80) +
                                         " but its grant is " + listen
                                   : "the server knows no such forward of this node";
    set_verdict(forward.status, verdict_row(Sight::unknown_to_server).verdict, reason, now);
    return forward;
  }
  forward.status.listen = listen;
  forward.port = granted->port;
  forward.expect = granted->expect.value_or(asked.expect.value_or(Expect{}));
  forward.is_served = true;
  return forward;
}

}  // namespace

Judged judge_probe(WatchedForward& forward, const ProbeReport& report, bool another_works,
                   Moment now) {
  const VerdictRow& row = verdict_row(report.sight);
  // "Not yet" is news of a probe that goes on: it neither adds to the count nor starts another one.
  if (report.sight == Sight::no_path_yet) {
    return {Next::nothing, set_verdict(forward.status, row.verdict, report.reason, now.wall)};
  }
  if (row.cure == Cure::probe_later) {
    forward.check_at = now.mono + kProbeLater;
    forward.status.reason = report.reason;
    return {};
  }
  forward.strikes = forward.last_sight == report.sight ? forward.strikes + 1 : 1;
  forward.last_sight = report.sight;
  forward.works = proves_path(report.sight);
  if (forward.works) forward.was_asked_again = false;
  if (report.sight == Sight::foreign_listener) forward.is_half = forward.listens.value_or(false);
  // The node checks as often as we ask again: a check must not put that off for ever.
  if (row.cure == Cure::keep) forward.ask_again_at.reset();
  forward.status.checked_at = now.wall;
  if (forward.strikes < row.strikes) return {Next::probe_again, false};
  const bool has_changed = set_verdict(forward.status, row.verdict, report.reason, now.wall);
  forward.status.latency = report.latency;
  if (forward.works && std::exchange(forward.is_half, false)) {
    return {Next::forward_again, has_changed};
  }
  return {cure(forward, row.cure, another_works, now.mono), has_changed};
}

MatchedForwards match_forwards(const std::vector<NodeForward>& granted, const Hello& hello,
                               WallTime now) {
  MatchedForwards matched;
  for (const HelloForward& asked : hello.forwards) {
    const auto found =
        std::ranges::find(granted, asked.name, [](const NodeForward& f) { return f.name.text(); });
    matched.forwards.push_back(watch(asked, found == granted.end() ? nullptr : &*found, now));
    const WatchedForward& forward = matched.forwards.back();
    if (forward.is_served) {
      matched.grants.push_back({asked.name, forward.status.listen});
    } else {
      matched.not_granted.push_back(asked.name);
    }
  }
  for (const NodeForward& grant : granted) {
    const bool is_asked = std::ranges::any_of(
        hello.forwards, [&](const HelloForward& f) { return f.name == grant.name.text(); });
    if (is_asked) continue;
    WatchedForward forward;
    forward.status.name = grant.name.text();
    forward.status.listen = format_listen(grant.port);
    forward.status.since = now;
    set_verdict(forward.status, verdict_row(Sight::unknown_to_node).verdict,
                "the node does not ask for this forward", now);
    matched.forwards.push_back(std::move(forward));
  }
  return matched;
}

}  // namespace reversi::server

#pragma once
// THE tables of a node's state (DESIGN section 2, "Node state"): the first row whose fact is true decides. The agent
// judges its own session by kSessionRows; every reader looks at kReaderRows first, because files may outlive their truth.

#include <algorithm>
#include <array>

#include "common/core/status.h"

namespace reversi::server {

/// Why a node is in its state; the reason's words are found by it.
enum class StateRule {
  // kReaderRows
  disabled,
  never_seen,
  no_session,
  ended,
  killed,
  clock_set_back,
  silent,
  of_another_session,
  nothing_written,
  unjudged_for_long,
  as_written,
  // kSessionRows
  not_ready,
  none_listens,
  not_yet_judged,
  not_judged_in_time,
  bad_verdict,
  conflict,
  good,
};

/// What a reader finds in the files and in /proc.
struct ReaderFacts {
  bool is_disabled = false;          ///< node.json says so
  bool was_never_seen = false;       ///< neither a session nor a sign of life
  bool has_no_session = false;       ///< no session.json
  bool has_ended = false;            ///< its agent is gone and closed it
  bool was_killed = false;           ///< its agent is gone, and nobody closed it
  bool beats_in_future = false;      ///< the last heartbeat is further ahead than dead_after
  bool is_silent = false;            ///< the last heartbeat is longer ago than dead_after
  bool is_of_another = false;        ///< status.json is of the session before
  bool has_no_status = false;        ///< no status.json yet
  bool is_unknown_for_long = false;  ///< written as `unknown` more than 30 s ago
  bool always = true;
};

/// What an agent knows of its session.
struct SessionFacts {
  bool is_not_ready = false;  ///< the client has not said `ready`
  bool none_listens = false;
  bool is_unjudged = false;  ///< a forward has no verdict, for 30 s at most
  bool is_unjudged_for_long = false;
  bool has_bad_verdict = false;
  bool has_conflict = false;  ///< another machine with this identity within the hour
  bool always = true;
};

template <class Facts>
struct StateRow {
  StateRule rule;
  NodeState state;
  bool Facts::*fact;
};

using ReaderRow = StateRow<ReaderFacts>;
/// The last row's state is that of status.json.
inline constexpr std::array kReaderRows{
    ReaderRow{StateRule::disabled, NodeState::disabled, &ReaderFacts::is_disabled},
    ReaderRow{StateRule::never_seen, NodeState::never_seen, &ReaderFacts::was_never_seen},
    ReaderRow{StateRule::no_session, NodeState::down, &ReaderFacts::has_no_session},
    ReaderRow{StateRule::ended, NodeState::down, &ReaderFacts::has_ended},
    ReaderRow{StateRule::killed, NodeState::down, &ReaderFacts::was_killed},
    ReaderRow{StateRule::clock_set_back, NodeState::down, &ReaderFacts::beats_in_future},
    ReaderRow{StateRule::silent, NodeState::down, &ReaderFacts::is_silent},
    ReaderRow{StateRule::of_another_session, NodeState::down, &ReaderFacts::is_of_another},
    ReaderRow{StateRule::nothing_written, NodeState::unknown, &ReaderFacts::has_no_status},
    ReaderRow{StateRule::unjudged_for_long, NodeState::degraded, &ReaderFacts::is_unknown_for_long},
    ReaderRow{StateRule::as_written, NodeState::unknown, &ReaderFacts::always},
};

using SessionRow = StateRow<SessionFacts>;
inline constexpr std::array kSessionRows{
    SessionRow{StateRule::not_ready, NodeState::down, &SessionFacts::is_not_ready},
    SessionRow{StateRule::none_listens, NodeState::down, &SessionFacts::none_listens},
    SessionRow{StateRule::not_yet_judged, NodeState::unknown, &SessionFacts::is_unjudged},
    SessionRow{StateRule::bad_verdict, NodeState::degraded, &SessionFacts::has_bad_verdict},
    SessionRow{StateRule::not_judged_in_time, NodeState::degraded,
               &SessionFacts::is_unjudged_for_long},
    SessionRow{StateRule::conflict, NodeState::degraded, &SessionFacts::has_conflict},
    SessionRow{StateRule::good, NodeState::up, &SessionFacts::always},
};

template <class Rows, class Facts>
[[nodiscard]] const auto& first_match(const Rows& rows, const Facts& facts) {
  return *std::ranges::find_if(rows, [&](const auto& row) { return facts.*row.fact; });
}

}  // namespace reversi::server

#pragma once
// Files and liveness in, the truth about a node out (DESIGN section 2, "Node state"). The agent
// uses judge_session() for what it writes; every reader uses view_node() and never believes a file
// alone.

#include <optional>
#include <string>
#include <vector>

#include "common/core/status.h"
#include "common/core/time.h"
#include "server/core/events.h"
#include "server/core/node.h"

namespace reversi::server {

/// A session that became ready this long ago and still has an unjudged forward is degraded.
inline constexpr Millis kUnknownLimit{30'000};
/// A conflict younger than this keeps a node from being `up`.
inline constexpr Millis kConflictCounts{3'600'000};

/// One from the future is none: the clock was set back, and it would count for as long again.
[[nodiscard]] bool is_recent_conflict(const std::optional<ConflictStatus>& conflict, WallTime now);

struct Judgement {
  NodeState state = NodeState::down;
  std::string reason;  ///< one line, empty when up

  friend bool operator==(const Judgement&, const Judgement&) = default;
};

/// The state of a node with a live, enabled session: down (no forward listens), unknown, up,
/// degraded. Forwards that the node did not ask for, or that are not granted, make it degraded.
/// @param ready_at  When the client said `ready`; nothing before that.
[[nodiscard]] Judgement judge_session(const std::vector<ForwardStatus>& forwards,
                                      const std::optional<ConflictStatus>& conflict,
                                      std::optional<WallTime> ready_at, WallTime now);

/// What a reader found. A file that is missing or broken is an empty optional; what was broken is
/// named in `problem`.
struct NodeFiles {
  std::string node;
  std::optional<NodeRecord> record;
  std::optional<WallTime> record_at;  ///< mtime of node.json: since when the admin says so
  std::optional<SessionRecord> session;
  std::optional<NodeStatus> status;
  std::optional<WallTime> alive_at;  ///< mtime of `alive`: the last heartbeat
  /// The agent cannot write its status (a full disk): status.json is as old as this.
  std::optional<WallTime> unwritten_since;
  bool agent_lives = false;  ///< the process of session.json runs: same boot, pid, start time
  std::string problem;       ///< "node.json: line 1, column 2: …", or empty
};

/// The node as a reader must show it.
[[nodiscard]] NodeStatus view_node(const NodeFiles& files, WallTime now);

/// The recorded session's agent is gone and nobody has closed its record yet (ended_at).
[[nodiscard]] bool is_unclosed(const NodeFiles& files);
/// The `down` event that a killed agent owes, from the last `up` or `down` in the log; nothing if
/// the session never was up. Only under the node's lock, together with ended_at.
[[nodiscard]] std::optional<Event> owed_down(const NodeFiles& files,
                                             const std::optional<Event>& last_up_or_down,
                                             WallTime now);

}  // namespace reversi::server

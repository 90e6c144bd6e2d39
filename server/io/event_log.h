#pragma once
// nodes/NAME/events.jsonl: one write an event, 1 MiB, one old file (events.jsonl.1) kept.

#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/names.h"
#include "common/core/time.h"
#include "server/core/events.h"
#include "server/io/state_dir.h"

namespace reversi::server {

class EventLog {
 public:
  EventLog(const StateDir& state, const NodeName& node);

  /// Appends with one write; a line that was cut by a full disk is ended first. An error stops
  /// nobody: the caller notes `unwritten_since` and goes on.
  [[nodiscard]] Result<void> append(const Event& event) const;
  /// Oldest first, from both files; lines that are no events are skipped.
  [[nodiscard]] std::vector<Event> read(std::optional<WallTime> since) const;
  /// The last `up` or `down`, looked for from the end; nothing if there is none.
  [[nodiscard]] std::optional<Event> last_up_or_down() const;

 private:
  std::string path_;
};

inline constexpr Millis kCloseLockLimit{2000};

/// If the recorded session's agent was killed: adds the `down` it owes and closes the record, under
/// the node's lock (given up silently when the lock or the disk is not to be had: the next one
/// will). The next agent calls it too, while it holds the lock.
void close_dead_session(const StateDir& state, const NodeName& node, WallTime now,
                        Millis lock_limit = kCloseLockLimit);
void close_dead_session_locked(const StateDir& state, const NodeName& node, WallTime now);

}  // namespace reversi::server

#pragma once
// The events of many nodes in time order, however long their logs are: of each only a few lines are
// in memory, and no file stays open.

#include <sys/types.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/core/names.h"
#include "common/core/time.h"
#include "server/core/events.h"
#include "server/io/state_dir.h"

namespace reversi::server {

/// One node's log, the old file first. Lines that are no events are skipped.
class EventStream {
 public:
  EventStream(const StateDir& state, const NodeName& node, std::optional<WallTime> since);

  /// The next event, or nothing after the last. An agent holds verdicts back for some seconds: so the
  /// earliest of the next kAhead lines comes first.
  [[nodiscard]] const Event* front();
  void pop();

 private:
  void fill();
  bool read_more();

  static constexpr std::size_t kAhead = 8;
  std::string path_;
  std::optional<WallTime> since_;
  bool is_old_file_ = true;
  bool is_done_ = false;
  off_t offset_ = 0;
  ino_t inode_ = 0;
  std::string text_;  ///< what was read and not yet decoded
  std::deque<Event> ahead_;
};

/// Calls `use` for every event of these nodes, oldest first, until it returns false.
void merge_events(const StateDir& state, const std::vector<NodeName>& nodes,
                  std::optional<WallTime> since,
                  const std::function<bool(const NodeName&, const Event&)>& use);

}  // namespace reversi::server

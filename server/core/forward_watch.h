#pragma once
// One forward of a live session, and the rules that turn what probes see into its verdict.

#include <optional>
#include <string>
#include <vector>

#include "common/core/expect.h"
#include "common/core/names.h"
#include "common/core/protocol.h"
#include "common/core/status.h"
#include "common/core/time.h"
#include "server/core/node.h"
#include "server/core/verdict.h"

namespace reversi::server {

/// The two clocks of one moment: the first decides, the second is written down.
struct Moment {
  MonoTime mono{};
  WallTime wall{};
};

struct WatchedForward {
  ForwardStatus status;
  Port port = 0;
  Expect expect;
  bool is_served = false;  ///< granted and asked for: only these are probed
  /// sshd's answer to tcpip-forward, as the node told it; nothing before.
  std::optional<bool> listens;
  std::string refusal;  ///< sshd's words when it does not listen
  int strikes = 0;      ///< probes in a row with `last_sight`, while the verdict waits for more
  std::optional<Sight> last_sight;
  bool works = false;            ///< the last probe came out at the node
  bool was_asked_again = false;  ///< forward_again was sent since it last worked
  std::optional<MonoTime> ask_again_at;
  /// Somebody else had one address family of the port: once it is gone, sshd can bind that too.
  bool is_half = false;
  std::optional<MonoTime> checked_at;  ///< the node's last `check` that was heeded
  std::optional<MonoTime> check_at;    ///< one that came too soon after it, and waits
  bool is_wanted = false;              ///< a probe should start as soon as there is room
  bool is_probing = false;
};

/// What is to be done after a probe.
enum class Next { nothing, probe_again, forward_again, restart };

/// What came of one report.
struct Judged {
  Next next = Next::nothing;
  bool has_changed = false;  ///< the verdict is another one than before

  friend bool operator==(const Judged&, const Judged&) = default;
};

/// Takes the report of a finished probe into the forward.
/// @param another_works  Some other forward of the session is known to lead to the node.
[[nodiscard]] Judged judge_probe(WatchedForward& forward, const ProbeReport& report,
                                 bool another_works, Moment now);

/// What grants and hello make of each other.
struct MatchedForwards {
  std::vector<WatchedForward> forwards;  ///< every name of either side, the node's order first
  std::vector<Grant> grants;
  std::vector<std::string> not_granted;
};
[[nodiscard]] MatchedForwards match_forwards(const std::vector<NodeForward>& granted,
                                             const Hello& hello, WallTime now);

}  // namespace reversi::server

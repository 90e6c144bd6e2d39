#pragma once
// What a probe saw → what it means → what is done about it. The table is data: tests walk its rows,
// and the README prints the same ones.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/protocol.h"
#include "common/core/status.h"
#include "common/core/time.h"

namespace reversi::server {

/// What one probe of one forward saw, the most telling thing first.
enum class Sight {
  unknown_holder,      ///< sshd refused the port: something of this account's own is on it
  foreign_listener,    ///< a listener that is not this session's is on the port, either family
  refused,             ///< nobody listens: connect refused
  no_path,             ///< connected; no path seen, no progress within the limit
  no_path_yet,         ///< connected; no path seen so far, but the session makes progress
  target_unreachable,  ///< path seen; the target is refused, unreachable or does not take the call
  no_answer,           ///< path seen, target connected, nothing said within the limit
  no_answer_yet,       ///< the same, on a link whose own round trip eats the limit
  other_answer,        ///< path seen, another answer than the expected one
  expected_answer,     ///< path seen, answer as expected
  unknown_to_server,   ///< the node names a forward that the server does not know
  unknown_to_node,     ///< the server grants a forward that the node does not ask for
  not_probed,  ///< no probe could be made for want of something of ours: says nothing of the node
};

/// What follows from a verdict.
enum class Cure {
  keep,           ///< report, nothing else
  ask_again,      ///< report; ask for the port once more every kAskAgain
  free_port,      ///< the same, after ending the stale session that holds it, if one is found
  forward_again,  ///< the node asks for this forward once more; restart if none of the session
                  ///< works
  restart,        ///< the session is dead: the node starts another one
  probe_later,    ///< the verdict stays what it was; probe again after kProbeLater
};

struct VerdictRow {
  Sight sight;
  Verdict verdict;
  int strikes;  ///< so many probes in a row before the verdict stands; the next one follows at once
  Cure cure;
};

inline constexpr std::array kVerdictRows{
    VerdictRow{Sight::unknown_holder, Verdict::port_taken, 1, Cure::free_port},
    VerdictRow{Sight::foreign_listener, Verdict::port_taken, 1, Cure::ask_again},
    VerdictRow{Sight::refused, Verdict::not_listening, 2, Cure::forward_again},
    VerdictRow{Sight::no_path, Verdict::hung, 2, Cure::restart},
    VerdictRow{Sight::no_path_yet, Verdict::slow, 1, Cure::keep},
    VerdictRow{Sight::target_unreachable, Verdict::service_down, 1, Cure::keep},
    VerdictRow{Sight::no_answer, Verdict::service_hung, 1, Cure::keep},
    VerdictRow{Sight::no_answer_yet, Verdict::slow, 1, Cure::keep},
    VerdictRow{Sight::other_answer, Verdict::wrong_answer, 1, Cure::keep},
    VerdictRow{Sight::expected_answer, Verdict::healthy, 1, Cure::keep},
    VerdictRow{Sight::unknown_to_server, Verdict::not_granted, 1, Cure::keep},
    VerdictRow{Sight::unknown_to_node, Verdict::not_requested, 1, Cure::keep},
    VerdictRow{Sight::not_probed, Verdict::unknown, 1, Cure::probe_later},
};

inline constexpr Millis kAskAgain{60'000};
inline constexpr Millis kProbeLater{5'000};

[[nodiscard]] const VerdictRow& verdict_row(Sight sight);
/// The probe came out at the node: whatever the service said, the tunnel is good.
[[nodiscard]] bool proves_path(Sight sight);

struct ProbeReport {
  Sight sight = Sight::no_path;
  std::string reason;  ///< one line for people; empty with expected_answer
  std::optional<Millis> latency;

  friend bool operator==(const ProbeReport&, const ProbeReport&) = default;
};

/// What path_seen says of the target. Nothing for `ok`: the exchange goes on.
[[nodiscard]] std::optional<ProbeReport> judge_target(TargetOutcome outcome);

/// How long the exchange may take once the path was seen after `path_latency`. The same link that
/// was late with path_seen will be late with the answer, so a slow one gets more, up to a minute.
[[nodiscard]] Millis answer_limit(Millis probe_limit, Millis path_latency);
/// Silence on a fast link is the service's; on a slow one it proves nothing.
[[nodiscard]] Sight judge_silence(Millis probe_limit, Millis path_latency);

/// One forward is probed over each address family that listens. A family that leads to this session
/// proves it alive, and then one that leads nowhere is somebody else's listener.
[[nodiscard]] ProbeReport combine(const std::vector<ProbeReport>& families);

}  // namespace reversi::server

#pragma once
// When and where to try again after a session ended or never came to be. The server sets the pace
// (SessionPolicy); giving up never means leaving.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/core/former_session.h"
#include "common/core/protocol.h"
#include "common/core/time.h"

namespace reversi::client {

enum class LossKind {
  no_answer,    ///< no TCP connection: 1, 2, 4, 8, 8 … s; failures do not grow
  lost,         ///< our side or the path: worker died, reset, dead path
  closed,       ///< the server ended the session
  host_key,     ///< unknown or changed: every 10 minutes
  key_refused,  ///< 5, 10, 20, 30, 30 … s for 30 minutes, then every 2 minutes
  refused,      ///< the agent said when to come back
  restart,      ///< the agent wants another session
  wanted,       ///< a person asked: at once
};

struct Loss {
  LossKind kind = LossKind::lost;
  std::string text;       ///< one line for people
  Millis retry_after{0};  ///< as the agent said it
};

/// What is remembered of one server between attempts.
struct ServerTries {
  int failures = 0;  ///< in a row
  int no_answers = 0;
  int key_refusals = 0;
  std::optional<MonoTime> last_login;
  MonoTime retry_at{};
  bool leaves_out_next = false;         ///< the next key logged in, and no welcome came
  std::optional<ServerProcess> former;  ///< agent-free: the sshd of the last session there
  bool runs_commands = false;           ///< agent-free: the command of the last session said so
};

/// How far the lost session had come.
struct Reached {
  bool ready = false;
  bool stable = false;             ///< ready for stable_after
  std::optional<Millis> draining;  ///< the agent had said `draining`, with this retry_after
};

struct RetryContext {
  const SessionPolicy& policy;
  const std::string& node;
  std::uint64_t starts = 0;  ///< sessions tried so far: seeds the jitter
  MonoTime began{};          ///< of this supervisor: stands in for a login that never was
};

/// Updates what is known of the server; `retry_at` says when it may be tried again.
///
/// A session that was ready, lost with no failure before it, is retried like a stable one: at the
/// start of `spread`. From the second loss in a row on, the delay grows.
[[nodiscard]] ServerTries after_loss(ServerTries tries, const Loss& loss, const Reached& reached,
                                     const RetryContext& context, MonoTime now);

struct NextTry {
  std::size_t server = 0;
  MonoTime at{};
};

/// The next server whose time has come, in order from `first` on and around; if there is none, the
/// one whose time comes first. `tries` has at least one item.
[[nodiscard]] NextTry choose_server(const std::vector<ServerTries>& tries, std::size_t first,
                                    MonoTime now);

}  // namespace reversi::client

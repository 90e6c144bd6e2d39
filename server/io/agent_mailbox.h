#pragma once
// How admin verbs and newcomers reach a live agent: a request file, SIGUSR1 through a pidfd, an
// answer file. No socket: any permitlisten key can create one anywhere the account may write.
//
// request: {"id": RANDOM, "request": "probe" | "evict" | "challenge" | "disable" | "rotate_key" |
// "reload", …}
// answer:  {"id": the same, "ok": true|false, "error": "one line", …}
//
// An agent takes SIGUSR1 before it writes session.json: until then the signal would end it.

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/core/names.h"
#include "common/core/time.h"
#include "server/core/node.h"
#include "server/io/state_dir.h"

namespace reversi::server {

enum class RequestKind {
  probe,      ///< probe every forward now; answer "forwards": [{name, verdict, reason, latency_ms}]
  evict,      ///< end your session; answer first, then end it
  challenge,  ///< DESIGN section 2, 1: ping your node; answer "alive": true|false
  disable,    ///< refuse `disabled` from now on and end your session
  rotate_key,  ///< have the node make a key and let it in; answer then, and restart the session
  reload,      ///< node.json changed; answer, and tell the node what it must know
};
[[nodiscard]] std::string_view request_kind_name(RequestKind kind);
[[nodiscard]] std::optional<RequestKind> parse_request_kind(std::string_view name);

/// Asks the agent of a node and waits for its answer; blocks. Askers take turns (a lock file with
/// the same limit).
/// @param details  An object whose fields go into the request; may be empty.
/// @errors  not_found  the agent is gone;  timeout  no answer within `limit`;  refused  "ok": false
[[nodiscard]] Result<nlohmann::json> ask_agent(const StateDir& state, const NodeName& node,
                                               const ProcessId& agent, RequestKind kind,
                                               const nlohmann::json& details, Millis limit);

/// The agent's side, upon SIGUSR1.
struct Request {
  std::string id;
  RequestKind kind = RequestKind::reload;
  std::string text;  ///< the whole request as JSON, for details
};
/// Nothing when there is no request, it is broken, or it was read before (`last_id`).
[[nodiscard]] std::optional<Request> read_request(const StateDir& state, const NodeName& node,
                                                  const std::string& last_id);
/// @param details  Fields of the answer beside id, ok and error.
[[nodiscard]] Result<void> write_answer(const StateDir& state, const NodeName& node,
                                        const Request& request, const std::string& error,
                                        const nlohmann::json& details);

}  // namespace reversi::server

#pragma once
// Ports of ours that somebody still holds, and how to find a holder that no session.json names.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/core/error.h"
#include "common/core/time.h"
#include "server/core/node.h"

namespace reversi::server {

/// Those of `ports` on which a process of `uid` receives connections to localhost.
[[nodiscard]] std::vector<Port> held_ports(const std::vector<Port>& ports, uid_t uid);
/// Waits until held_ports() is empty, or `limit` is over; returns what is still held.
[[nodiscard]] std::vector<Port> wait_until_free(const std::vector<Port>& ports, uid_t uid,
                                                Millis limit);

/// The sshd process of a session without an agent (`ssh -N -R`) that holds this port, found by what
/// a few connections to the port wake up. Takes 1 s, or 2 s where other sessions are busy; nothing
/// unless every round says the same.
[[nodiscard]] boost::asio::awaitable<std::optional<ProcessId>> search_port_holder(Port port,
                                                                                  uid_t uid);
/// The same, and waits for it.
[[nodiscard]] std::optional<ProcessId> find_port_holder(Port port, uid_t uid);

/// For the `evicted` event of such a holder.
[[nodiscard]] std::string agentless_text(const ProcessId& sshd, Port port,
                                         const Result<void>& ended);

}  // namespace reversi::server

#include "server/io/unrecorded.h"

#include "common/io/clock.h"
#include "server/io/port_holder.h"
#include "server/io/process.h"

namespace reversi::server {
namespace {

constexpr Millis kUnrecordedEndLimit{1500};  // for each process

/// The agent of a session, and its sshd unless somebody started the agent by hand.
Result<void> end_agent(const ProcessInfo& agent, uid_t uid) {
  const auto present = process_info(agent.id.pid);  // its sshd may have ended meanwhile
  if (!present || present->id != agent.id) return {};
  const auto above = process_info(present->parent);
  if (above && above->uid == uid && is_sshd_name(above->name)) {
    if (auto ended = end_process(above->id, kUnrecordedEndLimit); !ended) return ended;
  }
  return end_process(agent.id, kUnrecordedEndLimit);
}

}  // namespace

Result<int> end_unrecorded(const std::vector<ProcessInfo>& agents, const std::vector<Port>& ports,
                           uid_t uid, Millis limit) {
  int count = 0;
  for (const ProcessInfo& agent : agents) {
    if (!is_running(agent.id)) continue;
    if (auto ended = end_agent(agent, uid); !ended) return fail(ended.error());
    ++count;
  }
  for (const Port port : wait_until_free(ports, uid, count > 0 ? kUnrecordedEndLimit : Millis{0})) {
    const MonoTime deadline = mono_now() + limit;
    // A search ends without a result while other sessions come and go.
    while (mono_now() < deadline && !held_ports({port}, uid).empty()) {
      const auto holder = find_port_holder(port, uid);
      if (!holder) continue;
      if (auto ended = end_process(*holder, kUnrecordedEndLimit); !ended)
        return fail(ended.error());
      ++count;
      static_cast<void>(wait_until_free({port}, uid, kUnrecordedEndLimit));
    }
    if (!held_ports({port}, uid).empty()) {
      return fail(Errc::timeout, "port " + std::to_string(port) +
                                     " is still held by a process of this account: find it with "
                                     "`ss -tlnp` and end it");
    }
  }
  return count;
}

}  // namespace reversi::server

#include "server/cli/registration.h"

#include <pwd.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "server/cli/node_rights.h"
#include "server/io/event_log.h"
#include "server/io/node_lines.h"

namespace reversi::server {

Result<NodeRecord> register_node(const Admin& admin, const Registration& registration) {
  const auto lock = admin.state.lock_all(kAdminLockLimit);
  if (!lock) return fail(lock.error());
  if (admin.state.has_node(registration.node)) {
    return fail(Errc::exists,
                "exists already; change it with `reversi-server node set`, or remove it first");
  }
  const auto taken = others_ports(admin.state, registration.node, {registration.key});
  if (!taken) return fail(taken.error());
  auto forwards = assign_ports(registration.forwards, {}, *taken, admin.policy);
  if (!forwards) return fail(forwards.error());
  NodeRecord record{registration.node, true, {registration.key}, *std::move(forwards),
                    registration.from, {}};
  const auto lines = prepare_lines(admin.state, record);
  if (!lines) return fail(lines.error());
  if (auto ok = admin.state.create_node(registration.node); !ok) return fail(ok.error());
  auto done = admin.state.save_node(record).and_then([&] {
    return install_lines(admin.state, registration.node, *lines,
                         {.lock_limit = kAdminLockLimit, .new_keys = {registration.key}});
  });
  if (!done) {
    static_cast<void>(admin.state.remove_node(registration.node));
    return fail(done.error());
  }
  const Event event{.at = wall_now(), .kind = EventKind::changed, .reason = "added"};
  static_cast<void>(EventLog(admin.state, registration.node).append(event));
  return record;
}

std::string account_name() {
  const passwd* account = ::getpwuid(::geteuid());
  return account != nullptr ? account->pw_name : std::to_string(::geteuid());
}

}  // namespace reversi::server

#include "server/io/node_keys.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/io/system_error.h"
#include "server/core/authorized_keys.h"
#include "server/core/key_rotation.h"
#include "server/io/authorized_keys_file.h"
#include "server/io/pending_dir.h"
#include "server/io/process.h"

namespace reversi::server {
namespace {

/// Heartbeats wait meanwhile.
constexpr Millis kLockLimit{3'000};

/// A key that is not in the file yet must not have a line of its own there.
Result<void> install(const StateDir& state, const NodeRecord& record, const PublicKey* fresh) {
  const auto executable = own_executable();
  if (!executable) return fail(executable.error());
  // We may be older than an upgrade to another place, and a line that leads nowhere locks the node out.
  if (::access(executable->c_str(), X_OK) != 0) return fail(errno_error(errno, *executable));
  const auto lines = authorized_lines(record, AgentCommand{*executable, state.path()});
  if (!lines) return fail(lines.error());
  const auto path = authorized_keys_path(state.load_policy().policy);
  if (!path) return fail(path.error());
  return change_authorized_keys(
      *path, kLockLimit, [&](std::string_view text) -> Result<std::string> {
        if (fresh != nullptr && !has_lines(text, record.node, state.path())) {
          return fail(Errc::config,
                      "has no line of this node; name the file that sshd reads with "
                      "--authorized-keys");
        }
        if (fresh != nullptr && is_key_outside_block(text, *fresh)) {
          return fail(Errc::exists, "has a line of its own for the node's new key");
        }
        return replace_lines(text, record.node, state.path(), *lines);
      });
}

Result<void> check_is_nobodys(const StateDir& state, const NodeName& node, const PublicKey& key) {
  for (const NodeName& other : state.list_nodes()) {
    if (other == node) continue;
    const auto record = state.load_node(other);
    // Its keys may be in use all the same: its sessions live on the grants of their command lines.
    if (!record) return fail(Error(record.error()).in("node " + other.text()));
    const bool is_held = std::ranges::any_of(
        record->keys, [&](const PublicKey& held) { return is_same_key(held, key); });
    if (is_held) return fail(Errc::exists, "the new key is held by node " + other.text());
  }
  return {};
}

}  // namespace

Result<void> let_key_in(const StateDir& state, const NodeName& node, const std::string& text) {
  const auto key = parse_offered_key(text);
  if (!key) return fail(key.error());
  const auto lock = state.lock_all(kLockLimit);
  if (!lock) return fail(lock.error());
  const auto before = state.load_node(node);
  if (!before) return fail(before.error());
  if (!before->enabled) return fail(Errc::refused, "the node is disabled");
  if (auto ok = check_is_nobodys(state, node, *key); !ok) return ok;
  const auto after = admit_next_key(*before, *key);
  if (!after) return fail(after.error());
  if (auto ok = state.save_node(*after); !ok) return ok;
  auto installed = install(state, *after, &*key);
  if (!installed) static_cast<void>(state.save_node(*before));
  // It may have knocked before it was let in; nobody shall approve it for another node.
  if (installed) static_cast<void>(remove_pending(state, *key));
  return installed;
}

Result<bool> settle_key(const StateDir& state, const NodeName& node, const std::string& blob) {
  const auto lock = state.lock_all(kLockLimit);
  if (!lock) return fail(lock.error());
  const auto record = state.load_node(node);
  if (!record) return fail(record.error());
  if (!ends_rotation(*record, blob)) return false;
  NodeRecord after = begin_settling(*record);
  if (auto ok = state.save_node(after); !ok) return fail(ok.error());
  // Until the old line is gone for sure, the record says that there is something left to do.
  NodeRecord settled = after;
  settled.next_key.reset();
  if (auto ok = install(state, settled, nullptr); !ok) return fail(ok.error());
  if (auto ok = state.save_node(settled); !ok) return fail(ok.error());
  return true;
}

}  // namespace reversi::server

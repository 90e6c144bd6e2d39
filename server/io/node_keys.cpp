#include "server/io/node_keys.h"

#include <algorithm>

#include "server/core/key_rotation.h"
#include "server/io/node_lines.h"
#include "server/io/pending_dir.h"

namespace reversi::server {
namespace {

/// Heartbeats wait meanwhile.
constexpr Millis kRotationLockLimit{3'000};

Result<void> check_is_nobodys(const StateDir& state, const NodeName& node, const PublicKey& key) {
  for (const NodeName& other : state.list_nodes()) {
    if (other == node) continue;
    const auto record = state.load_node(other);
    if (!record && record.error().code() == Errc::not_found) continue;  // half made, half removed
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
  const auto lock = state.lock_all(kRotationLockLimit);
  if (!lock) return fail(lock.error());
  const auto before = state.load_node(node);
  if (!before) return fail(before.error());
  if (!before->enabled) return fail(Errc::refused, "the node is disabled");
  if (auto ok = check_is_nobodys(state, node, *key); !ok) return ok;
  const auto after = admit_next_key(*before, *key);
  if (!after) return fail(after.error());
  auto installed = save_with_lines(
      state, *before, *after,
      {.lock_limit = kRotationLockLimit, .new_keys = {*key}, .must_have_lines = true});
  // It may have knocked before it was let in; nobody shall approve it for another node.
  if (installed) static_cast<void>(remove_pending(state, *key));
  return installed;
}

Result<bool> settle_key(const StateDir& state, const NodeName& node, const std::string& blob) {
  const auto lock = state.lock_all(kRotationLockLimit);
  if (!lock) return fail(lock.error());
  const auto record = state.load_node(node);
  if (!record) return fail(record.error());
  if (!ends_rotation(*record, blob)) return false;
  NodeRecord after = begin_settling(*record);
  if (auto ok = state.save_node(after); !ok) return fail(ok.error());
  // Until the old line is gone for sure, the record says that there is something left to do.
  NodeRecord settled = after;
  settled.next_key.reset();
  settled.lines_due = false;
  const auto prepared = prepare_lines(state, settled);
  if (!prepared) return fail(prepared.error());
  const auto installed = install_lines(state, node, *prepared, {.lock_limit = kRotationLockLimit});
  if (!installed) return fail(installed.error());
  if (auto ok = state.save_node(settled); !ok) return fail(ok.error());
  return true;
}

}  // namespace reversi::server

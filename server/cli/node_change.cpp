// node set, enable, disable, remove: the record first, then the line, then the live session.

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/io/clock.h"
#include "server/cli/admin.h"
#include "server/cli/node_rights.h"
#include "server/cli/verbs.h"
#include "server/io/event_log.h"
#include "server/io/node_lines.h"

namespace reversi::server {
namespace {

constexpr Millis kReloadLimit{2000};
constexpr std::string_view kAnyRange = "any";

void log_change(const OpenedNode& opened, const std::string& what) {
  const Event event{.at = wall_now(), .kind = EventKind::changed, .reason = what};
  static_cast<void>(EventLog(opened.admin.state, opened.node).append(event));
}

Result<void> apply(const OpenedNode& opened, const NodeRecord& before, const NodeRecord& after) {
  const auto new_keys = before.keys == after.keys ? std::vector<PublicKey>{} : after.keys;
  return save_with_lines(opened.admin.state, before, after,
                         {.lock_limit = kAdminLockLimit, .new_keys = new_keys});
}

struct SetOptions {
  NodeOptions node;
  std::string key;
  TypedRights rights;
  std::vector<std::string> removed;
};

/// The forwards as they will be: what is not named stays, and of what is named, that which is not
/// said.
Result<std::vector<ForwardRequest>> merge_forwards(const NodeRecord& record,
                                                   const std::vector<ForwardRequest>& changes,
                                                   const std::vector<std::string>& removed) {
  std::vector<ForwardRequest> merged;
  for (const NodeForward& forward : record.forwards) {
    merged.push_back({forward.name, forward.port, forward.expect});
  }
  for (const std::string& name : removed) {
    const auto found = std::ranges::find_if(
        merged, [&](const ForwardRequest& request) { return request.name.text() == name; });
    if (found == merged.end()) {
      return fail(Errc::not_found, "--remove-forward: no forward \"" + printable(name, 60) + "\"");
    }
    merged.erase(found);
  }
  for (const ForwardRequest& change : changes) {
    const auto found = std::ranges::find(merged, change.name, &ForwardRequest::name);
    if (found == merged.end()) {
      merged.push_back(change);
      continue;
    }
    if (change.port) found->port = change.port;
    if (change.expect) found->expect = change.expect;
  }
  return merged;
}

Result<NodeRecord> changed_record(const OpenedNode& opened, const NodeRecord& before,
                                  const SetOptions& options, const std::optional<PublicKey>& key) {
  NodeRecord after = before;
  if (key) {
    after.keys = {*key};
    after.next_key.reset();
  }
  const bool is_any = options.rights.ranges == std::vector<std::string>{std::string(kAnyRange)};
  if (is_any) {
    after.from.clear();
  } else if (!options.rights.ranges.empty()) {
    auto ranges = typed_ranges(options.rights);
    if (!ranges) return fail(ranges.error());
    after.from = *std::move(ranges);
  }
  const auto changes = typed_forwards(options.rights);
  if (!changes) return fail(changes.error());
  const auto merged = merge_forwards(before, *changes, options.removed);
  if (!merged) return fail(merged.error());
  const auto taken = others_ports(opened.admin.state, opened.node, after.keys);
  if (!taken) return fail(taken.error());
  auto forwards = assign_ports(*merged, before.forwards, *taken, opened.admin.policy);
  if (!forwards) return fail(forwards.error());
  after.forwards = *std::move(forwards);
  return after;
}

/// sshd fixes a session's rights at its login: other rights need another session.
bool needs_new_session(const NodeRecord& before, const NodeRecord& after) {
  const auto same_grant = [](const NodeForward& a, const NodeForward& b) {
    return a.name == b.name && a.port == b.port;
  };
  // With lines that were due, the session may have the rights of before `before`.
  return before.lines_due || before.keys != after.keys || before.from != after.from ||
         !std::ranges::equal(before.forwards, after.forwards, same_grant);
}

void tell_agent(const OpenedNode& opened, const NodeRecord& before, const NodeRecord& after) {
  if (needs_new_session(before, after)) {
    const bool has_same_key = before.keys == after.keys;
    const auto ended =
        end_session(opened.admin.state, opened.node, RequestKind::evict, has_same_key);
    if (!ended) warn(ended.error().line());
    return;
  }
  const NodeFiles files = opened.admin.state.load_files(opened.node);
  if (!files.agent_lives) return;
  const auto told = ask_agent(opened.admin.state, opened.node, files.session->agent,
                              RequestKind::reload, nlohmann::json::object(), kReloadLimit);
  if (!told) warn(told.error().line() + "; the change counts from the next session on");
}

Result<ExitCode> node_set(const SetOptions& options) {
  std::optional<PublicKey> key;
  if (!options.key.empty()) {
    auto read = read_key(options.key);
    if (!read) return fail(read.error());
    key = *std::move(read);
  }
  const auto opened = open_node(options.node);
  if (!opened) return fail(opened.error());
  const auto lock = opened->admin.state.lock_all(kAdminLockLimit);
  if (!lock) return fail(lock.error());
  const auto before = opened->admin.state.load_node(opened->node);
  if (!before) return fail(before.error());
  const auto after = changed_record(*opened, *before, options, key);
  if (!after) return fail(Error(after.error()).in("node " + opened->node.text()));
  if (auto ok = apply(*opened, *before, *after); !ok) return fail(ok.error());
  if (*before == *after && !before->lines_due) return ExitCode::done;
  log_change(*opened, "changed");
  tell_agent(*opened, *before, *after);
  return ExitCode::done;
}

Result<ExitCode> set_enabled(const NodeOptions& options, bool enabled) {
  const auto opened = open_node(options);
  if (!opened) return fail(opened.error());
  {
    const auto lock = opened->admin.state.lock_all(kAdminLockLimit);
    if (!lock) return fail(lock.error());
    const auto before = opened->admin.state.load_node(opened->node);
    if (!before) return fail(before.error());
    NodeRecord after = *before;
    after.enabled = enabled;
    if (auto ok = apply(*opened, *before, after); !ok) return fail(ok.error());
    if (before->enabled != enabled) log_change(*opened, enabled ? "enabled" : "disabled");
    if (enabled && before->lines_due) tell_agent(*opened, *before, after);
  }
  if (enabled) return ExitCode::done;
  const auto ended = end_session(opened->admin.state, opened->node, RequestKind::disable,
                                 /*comes_back=*/false);
  if (!ended) return fail(ended.error());
  return ExitCode::done;
}

/// From here on nobody comes back: sshd's command and the agents ask node.json, sshd itself the lines.
Result<void> shut_out(const OpenedNode& opened, const std::optional<NodeRecord>& before) {
  const StateDir& state = opened.admin.state;
  const auto prepared = prepare_removal(state);
  if (!prepared) return fail(prepared.error());
  if (before) {
    NodeRecord after = *before;
    after.enabled = false;
    after.lines_due = false;
    if (auto ok = state.save_node(after); !ok) return ok;
  }
  auto removed = install_lines(state, opened.node, *prepared, {.lock_limit = kAdminLockLimit});
  if (!removed && before) static_cast<void>(state.save_node(*before));
  return removed;
}

Result<ExitCode> remove(const NodeOptions& options) {
  const auto opened = open_node(options);
  if (!opened) return fail(opened.error());
  const StateDir& state = opened->admin.state;
  const auto lock = state.lock_all(kAdminLockLimit);
  if (!lock) return fail(lock.error());
  std::optional<NodeRecord> before;  // a broken one must not keep the node in
  if (auto loaded = state.load_node(opened->node)) before = *std::move(loaded);
  if (auto ok = shut_out(*opened, before); !ok) return fail(ok.error());
  const auto ended = end_session(state, opened->node, RequestKind::disable, /*comes_back=*/false);
  if (!ended) {
    return fail(Error(ended.error())
                    .in("node " + opened->node.text() +
                        " is disabled, and keeps its ports until `node remove` "
                        "has ended its session"));
  }
  if (auto ok = state.remove_node(opened->node); !ok) return fail(ok.error());
  return ExitCode::done;
}

}  // namespace

Run node_enable_verb(Options& add) {
  auto options = std::make_shared<NodeOptions>();
  add_node_options(add, *options);
  add_authorized_keys_option(add, options->admin);
  return [options] { return set_enabled(*options, true); };
}

Run node_disable_verb(Options& add) {
  auto options = std::make_shared<NodeOptions>();
  add_node_options(add, *options);
  add_authorized_keys_option(add, options->admin);
  return [options] { return set_enabled(*options, false); };
}

Run node_remove_verb(Options& add) {
  auto options = std::make_shared<NodeOptions>();
  add_node_options(add, *options);
  add_authorized_keys_option(add, options->admin);
  return [options] { return remove(*options); };
}

Run node_set_verb(Options& add) {
  auto options = std::make_shared<SetOptions>();
  add.text("--key", options->key, "A public key instead of the present one.", "FILE|-");
  add.list("--forward", options->rights.forwards, "Add a forward, or change what is said of it.",
           "NAME[=PORT][:EXPECT]");
  add.list("--remove-forward", options->removed, "Take a forward away.", "NAME");
  add.list("--from", options->rights.ranges,
           "Ranges instead of the present ones; \"any\" lifts them.", "CIDR");
  add_node_options(add, options->node);
  add_authorized_keys_option(add, options->node.admin);
  return [options] { return node_set(*options); };
}

}  // namespace reversi::server

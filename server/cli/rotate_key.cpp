// node rotate-key: the node makes a key and logs in with it; then the old one goes.

#include <poll.h>

#include <memory>

#include <nlohmann/json.hpp>

#include "common/io/clock.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"

namespace reversi::server {
namespace {

constexpr Millis kRotationLimit{60'000};  // for the whole
constexpr Millis kNewKeyLimit{40'000};    // for the node's part, of which its agent gives it 30 s
constexpr int kLookEvery = 100;           // ms

/// Errc::config: exit code 3, nothing is running.
Error no_session(const NodeName& node, const std::string& reason) {
  return {Errc::config, "node " + node.text() + " has no session" +
                            (reason.empty() ? "" : " (" + reason + ")") +
                            ", so its key stays; rotate it when the node is back"};
}

/// Waits until the key that was let in is the node's only one.
Result<PublicKey> await_login(const OpenedNode& opened, MonoTime deadline) {
  for (;;) {
    const auto record = opened.admin.state.load_node(opened.node);
    if (!record) return fail(record.error());
    if (!record->next_key && record->keys.size() == 1) return record->keys.front();
    if (mono_now() >= deadline) break;
    ::poll(nullptr, 0, kLookEvery);
  }
  return fail(Errc::timeout, "node " + opened.node.text() +
                                 " has not logged in with its new key within " +
                                 std::to_string(kRotationLimit.count() / 1000) +
                                 " s; both keys are valid, and the old one goes when it does");
}

Result<ExitCode> rotate_key(const NodeOptions& options) {
  const MonoTime deadline = mono_now() + kRotationLimit;
  const auto opened = open_node(options);
  if (!opened) return fail(opened.error());
  const NodeFiles files = opened->admin.state.load_files(opened->node);
  if (!files.agent_lives) {
    return fail(no_session(opened->node, view_node(files, wall_now()).reason));
  }
  const auto answer = ask_agent(opened->admin.state, opened->node, files.session->agent,
                                RequestKind::rotate_key, nlohmann::json::object(), kNewKeyLimit);
  if (!answer && answer.error().code() == Errc::not_found) {
    return fail(Errc::io,
                "node " + opened->node.text() +
                    ": its session ended meanwhile; some key of it is valid as before, try again");
  }
  if (!answer && answer.error().code() == Errc::timeout) {
    return fail(Errc::timeout, answer.error().line() +
                                   "; if it is older than this program, `reversi-server evict " +
                                   opened->node.text() + "` starts another");
  }
  if (!answer) return fail(Error(answer.error()).in("node " + opened->node.text()));
  const auto key = await_login(*opened, deadline);
  if (!key) return fail(key.error());
  print("node " + opened->node.text() + " uses its new key; the old one is removed\n" +
        format_public_key(*key) + '\n');
  return ExitCode::done;
}

}  // namespace

Run node_rotate_key_verb(Options& add) {
  auto options = std::make_shared<NodeOptions>();
  add_node_options(add, *options);
  add_authorized_keys_option(add, options->admin);
  return [options] { return rotate_key(*options); };
}

}  // namespace reversi::server

#include "server/io/node_lines.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "server/io/authorized_keys_file.h"
#include "server/io/process.h"

namespace reversi::server {
namespace {

/// An agent mends: its client waits for the welcome.
constexpr Millis kMendLimit{3'000};

/// Holds back what a terminal that goes away and an impatient person send. Delivered at the end.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t held;
    ::sigemptyset(&held);
    for (const int number : {SIGINT, SIGHUP, SIGTERM}) ::sigaddset(&held, number);
    ::sigprocmask(SIG_BLOCK, &held, &before_);
  }
  ~SignalsHeld() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_{};
};

Result<AgentCommand> command_of(const StateDir& state) {
  const auto executable = own_executable();
  if (!executable) return fail(executable.error());
  return AgentCommand{*executable, state.path()};
}

}  // namespace

Result<std::vector<std::string>> lines_of(const StateDir& state, const NodeRecord& record) {
  const auto command = command_of(state);
  if (!command) return fail(command.error());
  return authorized_lines(record, *command);
}

Result<AgentCommand> runnable_command(const StateDir& state) {
  auto command = command_of(state);
  // Not only modes: a verb of root's has become the account by now, and we may be older than an
  // upgrade to another place.
  if (!command || ::access(command->executable.c_str(), X_OK) == 0) return command;
  return fail(Errc::permission, command->executable + ": " + std::strerror(errno) +
                                    " to the account that nodes log in as, so a line that names it "
                                    "would lock them out; install it where that account can run "
                                    "it, such as /usr/local/bin");
}

Result<PreparedLines> prepare_lines(const StateDir& state, const NodeRecord& record) {
  const auto command = runnable_command(state);
  if (!command) return fail(command.error());
  auto lines = authorized_lines(record, *command);
  if (!lines) return fail(lines.error());
  auto prepared = prepare_removal(state);
  if (prepared) prepared->lines = *std::move(lines);
  return prepared;
}

Result<PreparedLines> prepare_removal(const StateDir& state) {
  auto file = authorized_keys_path(state.load_policy());
  if (!file) return fail(file.error());
  return PreparedLines{*std::move(file), {}};
}

Result<void> install_lines(const StateDir& state, const NodeName& node,
                           const PreparedLines& prepared, const LineRules& rules) {
  const auto change = [&](std::string_view text) -> Result<std::string> {
    if (rules.must_have_lines && !has_lines(text, node, state.path())) {
      return fail(Errc::config,
                  "has no line of this node; name the file that sshd reads with "
                  "--authorized-keys");
    }
    for (const PublicKey& key : rules.new_keys) {
      if (!is_key_outside_block(text, key)) continue;
      return fail(Errc::exists,
                  "has a line of its own for this key, which sshd would take first; remove it");
    }
    return replace_lines(text, node, state.path(), prepared.lines);
  };
  return change_authorized_keys(prepared.file, rules.lock_limit, change);
}

Result<void> save_with_lines(const StateDir& state, const NodeRecord& before, NodeRecord after,
                             const LineRules& rules) {
  const auto prepared = prepare_lines(state, after);
  if (!prepared) return fail(prepared.error());
  const SignalsHeld held;
  after.lines_due = true;
  if (auto ok = state.save_node(after); !ok) return ok;
  if (auto ok = install_lines(state, after.node, *prepared, rules); !ok) {
    static_cast<void>(state.save_node(before));
    return ok;
  }
  after.lines_due = false;
  // Both say the same already: where this fails, the next login has the lines written once more.
  static_cast<void>(state.save_node(after));
  return {};
}

Result<void> mend_lines(const StateDir& state, const NodeName& node) {
  const auto lock = state.lock_all(kMendLimit);
  if (!lock) return fail(lock.error());
  auto record = state.load_node(node);
  if (!record) return fail(record.error());
  if (!record->lines_due) return {};
  const auto prepared = prepare_lines(state, *record);
  if (!prepared) return fail(prepared.error());
  // An agent has no HOME: without an --authorized-keys its idea of the file may be another than the verb's.
  const LineRules rules{.lock_limit = kMendLimit, .must_have_lines = true};
  if (auto ok = install_lines(state, node, *prepared, rules); !ok) return ok;
  record->lines_due = false;
  return state.save_node(*record);
}

}  // namespace reversi::server

#include "server/cli/admin.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "common/io/files.h"
#include "server/io/authorized_keys_file.h"
#include "server/io/event_log.h"
#include "server/io/process.h"
#include "server/io/unrecorded.h"

namespace reversi::server {
namespace {

constexpr Millis kAskLimit{2000};
constexpr Millis kEndLimit{1500};
constexpr Millis kSearchLimit{3000};
// Where the node may not come back. The shell of an account can take seconds before it runs the agent.
constexpr Millis kLeaveLimit{10'000};
constexpr Millis kRoundLimit{800};  // of it

Result<std::string> read_standard_input() {
  std::string text;
  char chunk[4096];
  while (const std::size_t size = std::fread(chunk, 1, sizeof chunk, stdin)) {
    text.append(chunk, size);
    if (text.size() > kMostKeyFileBytes) return fail(Errc::config, "far too long for a public key");
  }
  return text;
}

/// Waits until the process has ended of itself.
bool ends_within(const ProcessId& process, Millis limit) {
  const MonoTime deadline = mono_now() + limit;
  while (is_running(process)) {
    if (mono_now() >= deadline) return false;
    ::usleep(10'000);
  }
  return true;
}

}  // namespace

void add_state_dir_option(Options& add, AdminOptions& options) {
  add.text("--state-dir", options.state_dir, "The server's state directory.", "DIR");
}

void add_authorized_keys_option(Options& add, AdminOptions& options) {
  add.text("--authorized-keys", options.authorized_keys,
           "The file that sshd reads the nodes' keys from; kept in server.json.", "FILE");
}

void warn(const std::string& text) {
  std::fprintf(stderr, "reversi-server: warning: %s\n", printable(text, 1000).c_str());
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

Result<Admin> open_admin(const AdminOptions& options) {
  auto state = StateDir::open(options.state_dir);
  if (!state) return fail(state.error());
  const LoadedPolicy loaded = state->load_policy();
  if (!loaded.problem.empty()) warn(loaded.problem);
  Admin admin{*std::move(state), loaded.policy};
  if (options.authorized_keys.empty()) return admin;
  // It would be kept in a server.json whose other keys nobody can use.
  if (loaded.is_broken) return fail(authorized_keys_path(loaded).error());
  const std::string path = std::filesystem::absolute(options.authorized_keys).lexically_normal();
  if (path == admin.policy.authorized_keys) return admin;
  const auto lock = admin.state.lock_all(kAdminLockLimit);
  if (!lock) return fail(lock.error());
  if (auto ok = admin.state.save_policy_text(kAuthorizedKeysKey, path); !ok)
    return fail(ok.error());
  admin.policy.authorized_keys = path;
  return admin;
}

void add_node_options(Options& add, NodeOptions& options) {
  add.text("NODE", options.node, "The node.", "", Need::required);
  add_state_dir_option(add, options.admin);
}

Result<OpenedNode> open_node(const NodeOptions& options) {
  auto node = typed_node(options.node);
  if (!node) return fail(node.error());
  auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  if (auto ok = check_exists(admin->state, *node); !ok) return fail(ok.error());
  return OpenedNode{*std::move(admin), *std::move(node)};
}

Result<NodeName> typed_node(const std::string& text) {
  return NodeName::parse(text).map_error([](const Error& error) {
    return Error{Errc::usage, error.line()};
  });
}

Result<void> check_exists(const StateDir& state, const NodeName& node) {
  if (state.has_node(node)) return {};
  return fail(Errc::not_found,
              "no node " + node.text() + "; `reversi-server node list` names them");
}

Result<PublicKey> read_key(const std::string& file) {
  const auto text = file == "-" ? read_standard_input() : [&] {
    // A person's own link is fine here: only the state directory is strict.
    std::error_code failed;
    const auto real = std::filesystem::canonical(file, failed);
    return read_file(failed ? file : real.string(), kMostKeyFileBytes);
  }();
  if (!text) return fail(Error(text.error()).in("--key"));
  auto key = parse_public_key(*text);
  if (key) return key;
  // Exit code 1: the command line is fine, the file is not.
  return fail(Errc::refused, "--key " + file + ": " + key.error().line());
}

namespace {

/// The session that session.json names; see end_session().
Result<bool> end_recorded(const StateDir& state, const NodeName& node, RequestKind kind) {
  const auto session = state.load_session(node);
  if (!session) return false;  // none, or broken: then it names nobody whom we could end
  if (session->boot_id != own_boot_id()) return false;
  const bool had_agent = is_running(session->agent);
  const bool had_sshd = is_running(session->sshd);
  if (had_agent) {
    const auto answer =
        ask_agent(state, node, session->agent, kind, nlohmann::json::object(), kAskLimit);
    if (answer && ends_within(session->agent, kEndLimit) && ends_within(session->sshd, kEndLimit)) {
      return true;
    }
  }
  if (auto ok = end_process(session->sshd, kEndLimit); !ok) return fail(ok.error());
  if (auto ok = end_process(session->agent, kEndLimit); !ok) return fail(ok.error());
  close_dead_session(state, node, wall_now());
  return had_agent || had_sshd;
}

}  // namespace

Result<bool> end_session(const StateDir& state, const NodeName& node, RequestKind kind,
                         bool comes_back) {
  const auto agents = agents_of(node, state.path(), ::geteuid());
  const auto recorded = end_recorded(state, node, kind);
  std::vector<Port> ports;
  const auto record = state.load_node(node);
  const bool is_back = comes_back && recorded && *recorded;
  if (record && !is_back) {
    for (const NodeForward& forward : record->forwards) ports.push_back(forward.port);
  }
  const MonoTime deadline = mono_now() + kLeaveLimit;
  auto others = end_unrecorded(agents, ports, ::geteuid(), comes_back ? kSearchLimit : kRoundLimit);
  // A port's holder is hard to find while others come and go; but those are agents by now, and known.
  while (!others && !comes_back && mono_now() < deadline) {
    others =
        end_unrecorded(agents_of(node, state.path(), ::geteuid()), ports, ::geteuid(), kRoundLimit);
  }
  if (!recorded) return recorded;
  return others.map([&](int count) { return *recorded || count > 0; });
}

}  // namespace reversi::server

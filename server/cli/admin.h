#pragma once
// What the administrator's verbs share: the opened state directory, the list of nodes' rights, the
// installed lines, the end of a session.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/cli/options.h"
#include "common/core/error.h"
#include "common/core/names.h"
#include "common/core/time.h"
#include "server/core/node.h"
#include "server/core/policy.h"
#include "server/io/agent_mailbox.h"
#include "server/io/state_dir.h"

namespace reversi::server {

/// Options of every verb that works in the state directory, and of those that write
/// authorized_keys.
struct AdminOptions {
  std::string state_dir;
  std::string authorized_keys;
};
void add_state_dir_option(Options& add, AdminOptions& options);
void add_authorized_keys_option(Options& add, AdminOptions& options);

struct Admin {
  StateDir state;
  ServerPolicy policy;
};
/// Opens the directory, keeps a new --authorized-keys in server.json, and warns on stderr about a
/// server.json that cannot be used.
[[nodiscard]] Result<Admin> open_admin(const AdminOptions& options);

/// Options of a verb about one node.
struct NodeOptions {
  AdminOptions admin;
  std::string node;
};
void add_node_options(Options& add, NodeOptions& options);

struct OpenedNode {
  Admin admin;
  NodeName node;
};
/// @errors  usage  no node's name;  not_found  no such node, and how to list them
[[nodiscard]] Result<OpenedNode> open_node(const NodeOptions& options);

void warn(const std::string& text);
/// Writes to standard output; a reader that went away ends the verb quietly.
void print(const std::string& text);

/// A node's name as typed; Errc::usage.
[[nodiscard]] Result<NodeName> typed_node(const std::string& text);
/// @errors  not_found  "no node …; see reversi-server node list"
[[nodiscard]] Result<void> check_exists(const StateDir& state, const NodeName& node);

inline constexpr std::size_t kMostKeyFileBytes = 64 * 1024;
/// The text of a --key FILE, or of standard input for "-".
[[nodiscard]] Result<PublicKey> read_key(const std::string& file);

/// Ends the node's session, if there is one: its agent is asked (`disable` or `evict`), and if it
/// does not within 2 s, agent and sshd are ended from here. So are sessions of the node that are not
/// recorded. False = there was none.
/// @param comes_back  The node may log in again at once: its ports are its new session's then, and
///                    whoever holds one is looked for only if there was no session to end.
[[nodiscard]] Result<bool> end_session(const StateDir& state, const NodeName& node,
                                       RequestKind kind, bool comes_back);

inline constexpr Millis kAdminLockLimit{10'000};

}  // namespace reversi::server

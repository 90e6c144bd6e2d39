#pragma once
// The state directory is the database. Directories 0700, files 0600, opened O_NOFOLLOW; paths are
// made of parsed node names and fixed words only. What is not a regular file of our uid is not
// believed, and is replaced by the next write. Nothing here moves node.json or server.json aside.

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/core/names.h"
#include "common/core/status.h"
#include "common/core/time.h"
#include "common/io/files.h"
#include "common/io/unique_fd.h"
#include "server/core/node.h"
#include "server/core/node_view.h"
#include "server/core/policy.h"

namespace reversi::server {

/// What the times of nodes/NAME/alive say. They can be set on a full disk, where nothing can be
/// written.
struct Alive {
  WallTime at{};                            ///< mtime: the last heartbeat
  std::optional<WallTime> unwritten_since;  ///< atime, where it is earlier than the mtime
};

/// Nothing if the file is not ours.
[[nodiscard]] std::optional<Alive> alive_of(const struct stat& info);
[[nodiscard]] WallTime wall_time(const timespec& time);

/// server.json as it is to be used, and what was wrong with it.
struct LoadedPolicy {
  ServerPolicy policy;
  std::string problem;  ///< one line naming the file; built-in defaults are in use if it is broken
  bool is_broken = false;
};

class StateDir {
 public:
  /// Finds and opens the directory: `option`, else REVERSI_STATE_DIR, else /var/lib/reversi if it
  /// exists, else $XDG_STATE_HOME/reversi. It is created unless root would create it unasked. A
  /// root process becomes the directory's owner (uid, gid, groups) before it touches anything in
  /// it.
  /// @errors  permission  not ours and we are not root: "run with sudo"
  ///          config      root without a directory: "run setup --system"
  [[nodiscard]] static Result<StateDir> open(const std::string& option);
  /// The directory that open() would take, untouched: it need not exist.
  [[nodiscard]] static Result<std::string> find(const std::string& option);
  /// Takes `path` as it is, an existing directory of ours: the agent, tests.
  [[nodiscard]] static Result<StateDir> open_existing(const std::string& path);

  /// Takes `path` without a look at it. Where nothing can exist, nothing loads, locks or saves.
  [[nodiscard]] static StateDir at(std::string path) { return StateDir(std::move(path)); }

  /// Absolute, no symbolic link inside.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string node_path(const NodeName& node) const;
  /// One of the fixed files below nodes/NAME.
  [[nodiscard]] std::string node_file(const NodeName& node, std::string_view file) const;

  // Nodes. A directory that is no node name is ignored.
  [[nodiscard]] std::vector<NodeName> list_nodes() const;
  /// How many there are, at the cost of one directory read.
  [[nodiscard]] std::size_t count_nodes() const;
  [[nodiscard]] bool has_node(const NodeName& node) const;
  [[nodiscard]] Result<void> create_node(const NodeName& node) const;
  /// Removes the directory and what is in it. removed/NAME says so from then on, until the node is created again.
  [[nodiscard]] Result<void> remove_node(const NodeName& node) const;
  /// Its directory is missing because somebody removed the node, and not because files were lost.
  [[nodiscard]] bool was_removed(const NodeName& node) const;

  /// Held for moments only: never for the life of a session.
  /// @errors  timeout
  [[nodiscard]] Result<UniqueFd> lock_node(const NodeName& node, Millis limit) const;
  /// Directory-wide: who adds nodes, hands out ports, changes server.json. Taken before any node's.
  [[nodiscard]] Result<UniqueFd> lock_all(Millis limit) const;

  // Loading: errors name the file. not_found = no such file.
  [[nodiscard]] Result<NodeRecord> load_node(const NodeName& node) const;
  [[nodiscard]] Result<SessionRecord> load_session(const NodeName& node) const;
  [[nodiscard]] Result<NodeStatus> load_status(const NodeName& node) const;
  [[nodiscard]] std::optional<Alive> load_alive(const NodeName& node) const;
  [[nodiscard]] LoadedPolicy load_policy() const;
  /// When server.json was changed; nothing if there is none.
  [[nodiscard]] std::optional<WallTime> policy_stamp() const;
  /// Everything that view_node() needs; broken files are named in `problem`.
  [[nodiscard]] NodeFiles load_files(const NodeName& node) const;

  // Saving. node, session and policy survive a power cut; status is renamed without fsync.
  [[nodiscard]] Result<void> save_node(const NodeRecord& record) const;
  [[nodiscard]] Result<void> save_session(const NodeName& node, const SessionRecord& record) const;
  [[nodiscard]] Result<void> save_status(const NodeName& node, const NodeStatus& status) const;
  /// One key of server.json; keeps the others, also those that we do not know. An empty value
  /// removes it.
  [[nodiscard]] Result<void> save_policy_text(std::string_view key, const std::string& value) const;
  /// Sets the times of `alive`, creating it; no fsync.
  [[nodiscard]] Result<void> touch_alive(const NodeName& node, const Alive& alive) const;

 private:
  explicit StateDir(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Result<nlohmann::json> load_json(const std::string& path) const;
  [[nodiscard]] std::string removed_file(const NodeName& node) const;

  std::string path_;
};

}  // namespace reversi::server

// Everything that is known of one node, in as few system calls as it takes: `status` does this for
// thousands of nodes.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/status_scan.h"
#include "common/io/system_error.h"
#include "server/io/own_file.h"
#include "server/io/process.h"
#include "server/io/state_dir.h"

namespace reversi::server {
namespace {

/// The directory of one node. What cannot be read is noted: the node is named already, so
/// "node.json: line 1, column 2: …" says the rest.
class NodeReader {
 public:
  NodeReader(UniqueFd dir, std::string& problem) : dir_(std::move(dir)), problem_(problem) {}

  template <class Read>
  auto read(const char* name, const Read& from_json,
            std::optional<WallTime>* written_at = nullptr) {
    using Value = typename decltype(from_json(Json()))::value_type;
    struct stat info {};
    const auto text = read_own_file_at(dir_.get(), name, &info);
    if (!text) {
      if (text.error().code() != Errc::not_found) note(text.error());
      return std::optional<Value>();
    }
    if (written_at != nullptr) *written_at = wall_time(info.st_mtim);
    if constexpr (std::is_same_v<Value, NodeStatus>) {
      if (auto plain = scan_status(*text)) return plain;
    }
    const auto doc = parse_own_json(*text);
    auto value = doc ? from_json(*doc) : Result<Value>(fail(doc.error()));
    if (value) return std::optional<Value>(*std::move(value));
    note(Error(value.error()).in(name));
    return std::optional<Value>();
  }

  void note(const Error& error) { problem_ += (problem_.empty() ? "" : "; ") + error.line(); }

 private:
  UniqueFd dir_;
  std::string& problem_;
};

}  // namespace

std::optional<Alive> alive_of(const struct stat& info) {
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) return std::nullopt;
  Alive alive{wall_time(info.st_mtim), std::nullopt};
  if (const WallTime since = wall_time(info.st_atim); since < alive.at) {
    alive.unwritten_since = since;
  }
  return alive;
}

NodeFiles StateDir::load_files(const NodeName& node) const {
  NodeFiles files;
  files.node = node.text();
  const std::string path = node_path(node);
  UniqueFd dir{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
  if (!dir) {
    if (errno != ENOENT) files.problem = errno_error(errno, path).line();
    return files;
  }
  struct stat info {};
  if (::fstatat(dir.get(), "alive", &info, AT_SYMLINK_NOFOLLOW) == 0) {
    if (const auto alive = alive_of(info)) {
      files.alive_at = alive->at;
      files.unwritten_since = alive->unwritten_since;
    }
  }
  NodeReader reader(std::move(dir), files.problem);
  files.record = reader.read(
      "node.json", [&](const Json& doc) { return node_from_json(node, doc); }, &files.record_at);
  if (!files.record && !files.record_at && files.problem.empty()) {
    files.problem = "node.json: missing";
  }
  files.session = reader.read("session.json", session_from_json);
  files.status = reader.read("status.json", status_from_json);
  static const std::string kBootId = own_boot_id();
  files.agent_lives = files.session && !files.session->ended_at &&
                      files.session->boot_id == kBootId && is_running(files.session->agent);
  return files;
}

}  // namespace reversi::server

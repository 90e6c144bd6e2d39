#include "server/io/last_refused.h"

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/protocol.h"
#include "common/io/files.h"
#include "server/core/events.h"
#include "server/io/own_file.h"

namespace reversi::server {
namespace {

constexpr Millis kNotedEvery{60'000};
constexpr std::size_t kMostLogBytes = 2 * 1024 * 1024;

std::optional<RefusedStatus> load_noted(const std::string& path) {
  const auto text = read_own_file(path);
  if (!text) return std::nullopt;
  const auto doc = parse_json(*text);
  if (!doc) return std::nullopt;
  RefusedStatus refused;
  Fields fields(*doc);
  fields.need("address", refused.address, kMaxNameBytes)
      .need("at", refused.at)
      .need("reason", refused.reason, kMaxReasonBytes);
  if (!fields.done()) return std::nullopt;
  return refused;
}

/// Looked for from the end, and only lines that can be one are read.
std::optional<RefusedStatus> last_in_log(const std::string& path) {
  const auto text = read_own_file(path, kMostLogBytes);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  while (!rest.empty()) {
    if (rest.ends_with('\n')) rest.remove_suffix(1);
    const std::size_t before = rest.rfind('\n');
    const std::string_view line = before == std::string_view::npos ? rest : rest.substr(before + 1);
    rest = before == std::string_view::npos ? std::string_view{} : rest.substr(0, before + 1);
    if (line.find("\"refused\"") == std::string_view::npos) continue;
    const auto event = decode_event(line);
    if (event && event->kind == EventKind::refused)
      return RefusedStatus{event->address, event->at, event->reason};
  }
  return std::nullopt;
}

}  // namespace

std::optional<RefusedStatus> load_last_refused(const StateDir& state, const NodeName& node) {
  std::optional<RefusedStatus> last;
  const auto consider = [&](std::optional<RefusedStatus> found) {
    if (found && (!last || found->at > last->at)) last = std::move(found);
  };
  consider(last_in_log(state.node_file(node, "events.jsonl")));
  if (!last) consider(last_in_log(state.node_file(node, "events.jsonl.1")));
  if (const auto status = state.load_status(node)) consider(status->last_refused);
  consider(load_noted(state.node_file(node, "refused.json")));
  return last;
}

void note_refused(const StateDir& state, const NodeName& node, const std::string& address,
                  const std::string& reason, WallTime now) {
  const std::string path = state.node_file(node, "refused.json");
  const auto before = load_noted(path);
  if (before && before->at <= now && now - before->at < kNotedEvery) return;
  clear_the_way(path);
  const Json doc{{"address", printable(address, kMaxNameBytes)},
                 {"at", format_rfc3339(now)},
                 {"reason", printable(reason, kMaxReasonBytes)}};
  // A full disk must not concern whoever logs in.
  static_cast<void>(write_file(path, json_text(doc), kOwnFileMode, Sync::none));
}

}  // namespace reversi::server

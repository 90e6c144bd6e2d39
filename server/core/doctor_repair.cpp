// A node.json that is broken, from what authorized_keys says of the node.

#include <algorithm>

#include "server/core/doctor.h"
#include "server/core/grants.h"
#include "server/core/public_key.h"

namespace reversi::server {
namespace {

/// The text between `mark` and `end`, or nothing.
std::string_view between(std::string_view text, std::string_view mark, char end) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + mark.size());
  return rest.substr(0, rest.find(end));
}

Result<void> read_command(std::string_view command, NodeRecord& record) {
  constexpr std::string_view kMark = " --grant ";
  for (auto at = command.find(kMark); at != std::string_view::npos; at = command.find(kMark)) {
    command.remove_prefix(at + kMark.size());
    auto grant = parse_grant(command.substr(0, command.find(' ')));
    if (!grant) return fail(Error(grant.error()).in("--grant"));
    const bool is_new = std::ranges::none_of(
        record.forwards, [&](const NodeForward& each) { return each.name == grant->name; });
    if (is_new) record.forwards.push_back(*std::move(grant));
  }
  return {};
}

}  // namespace

Result<NodeRecord> record_from_lines(const NodeName& node, const std::vector<KeyLine>& lines) {
  NodeRecord record{node, false, {}, {}, {}};
  for (const KeyLine& line : lines) {
    if (line.node != node.text()) continue;
    constexpr std::string_view kCommand = "command=\"";
    const auto at = line.text.find(kCommand);
    const auto end = line.text.find("\" ", at == std::string::npos ? at : at + kCommand.size());
    if (end == std::string::npos) continue;
    auto key = parse_public_key(line.text.substr(end + 2));
    if (!key) return fail(Error(key.error()).in("line " + std::to_string(line.number)));
    const std::string_view options = std::string_view(line.text).substr(0, at);
    const std::string_view command = std::string_view(line.text).substr(at, end - at);
    if (auto ok = read_command(command, record); !ok) {
      return fail(Error(ok.error()).in("line " + std::to_string(line.number)));
    }
    record.enabled = record.enabled || options.find("port-forwarding") != std::string_view::npos;
    std::string_view ranges = between(options, "from=\"", '"');
    while (!ranges.empty() && record.keys.empty()) {
      const std::string_view range = ranges.substr(0, ranges.find(','));
      ranges.remove_prefix(std::min(ranges.size(), range.size() + 1));
      record.from.emplace_back(range);
    }
    // Only the line of a key in rotation names it (docs/adr/0015).
    if (between(command, " --key ", ' ') == key->blob) record.next_key = *key;
    record.keys.push_back(*std::move(key));
  }
  if (record.keys.empty()) return fail(Errc::not_found, "authorized_keys has no line of it");
  return record;
}

}  // namespace reversi::server

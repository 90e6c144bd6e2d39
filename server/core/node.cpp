#include "server/core/node.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/protocol.h"
#include "server/core/cidr.h"

namespace reversi::server {
namespace {

constexpr int kRecordSchema = 1;
constexpr std::size_t kMostKeys = 16;
constexpr std::size_t kMostRanges = 64;
constexpr std::size_t kMostRecordText = 128;
constexpr std::int64_t kMostPid = std::int64_t{1} << 31;
constexpr std::int64_t kMostTicks = std::int64_t{1} << 62;

Result<NodeForward> forward_from_json(const Json& doc) {
  std::string name_text;
  std::int64_t port = 0;
  Fields fields(doc);
  fields.need("name", name_text, kMostRecordText).need("port", port, kLowestPort, 65535);
  if (!fields.is_good()) return fail(fields.done().error());
  auto name = ForwardName::parse(name_text);
  if (!name) return fail(name.error());
  NodeForward forward{*std::move(name), static_cast<Port>(port), std::nullopt};
  if (const Json* expect_doc = fields.find("expect")) {
    auto expect = expect_from_json(*expect_doc);
    if (!expect) return fail(std::move(expect).error().in("expect"));
    forward.expect = *std::move(expect);
  }
  return forward;
}

Json process_to_json(const ProcessId& process) {
  return {{"pid", process.pid}, {"start_time", process.start_time}};
}

void read_process(Fields& fields, std::string_view key, ProcessId& out) {
  const Json* doc = fields.find(key);
  if (doc == nullptr) return fields.mistake(key, "missing");
  Fields inner(*doc);
  inner.need("pid", out.pid, 1, kMostPid).need("start_time", out.start_time, 0, kMostTicks);
  if (auto ok = inner.done(); !ok) fields.mistake(key, ok.error().line());
}

void read_forwards(Fields& fields, NodeRecord& record) {
  std::set<std::string> names;
  std::set<Port> ports;
  for (const Json* item : fields.items("forwards", kMaxForwards)) {
    auto forward = forward_from_json(*item);
    if (!forward) return fields.mistake("forwards", forward.error().line());
    if (!names.insert(forward->name.text()).second || !ports.insert(forward->port).second) {
      return fields.mistake("forwards", "a name or port appears twice");
    }
    record.forwards.push_back(*std::move(forward));
  }
}

}  // namespace

Json node_to_json(const NodeRecord& record) {
  Json keys = Json::array();
  for (const PublicKey& key : record.keys) keys.push_back(format_public_key(key));
  Json forwards = Json::array();
  for (const NodeForward& forward : record.forwards) {
    Json item{{"name", forward.name.text()}, {"port", forward.port}};
    if (forward.expect) item["expect"] = expect_to_json(*forward.expect);
    forwards.push_back(std::move(item));
  }
  Json doc{{"schema", kRecordSchema},         {"node", record.node.text()},
           {"enabled", record.enabled},       {"keys", std::move(keys)},
           {"forwards", std::move(forwards)}, {"from", record.from}};
  if (record.next_key) doc["next_key"] = format_public_key(*record.next_key);
  if (record.lines_due) doc["lines_due"] = true;
  return doc;
}

Result<NodeRecord> node_from_json(const NodeName& node, const Json& doc) {
  NodeRecord record{node, true, {}, {}, {}};
  std::string name = node.text();
  std::string next_key;
  std::vector<std::string> keys;
  Fields fields(doc);
  fields.may("node", name, kMostRecordText)
      .may("enabled", record.enabled)
      .may("keys", keys, kMostKeys, kMostPublicKeyBytes)
      .may("from", record.from, kMostRanges, kMostRecordText)
      .may("next_key", next_key, kMostPublicKeyBytes)
      .may("lines_due", record.lines_due);
  if (fields.is_good() && name != node.text()) {
    fields.mistake("node",
                   "says \"" + printable(name, 70) + "\" in the directory of " + node.text());
  }
  for (const std::string& text : keys) {
    auto key = parse_public_key(text);
    key ? record.keys.push_back(*std::move(key)) : fields.mistake("keys", key.error().line());
  }
  if (auto key = parse_public_key(next_key)) {
    record.next_key = *std::move(key);
  } else if (!next_key.empty()) {
    fields.mistake("next_key", key.error().line());
  }
  for (const std::string& range : record.from) {
    if (const auto ok = parse_cidr(range); !ok) fields.mistake("from", ok.error().line());
  }
  read_forwards(fields, record);
  return fields.done().map([&] { return std::move(record); });
}

Json session_to_json(const SessionRecord& record) {
  return {{"schema", kRecordSchema},
          {"session", record.session},
          {"boot_id", record.boot_id},
          {"sshd", process_to_json(record.sshd)},
          {"agent", process_to_json(record.agent)},
          {"instance", record.instance},
          {"run", record.run},
          {"machine", record.machine},
          {"started_at", format_rfc3339(record.started_at)},
          {"ended_at", record.ended_at ? Json(format_rfc3339(*record.ended_at)) : Json(nullptr)}};
}

Result<SessionRecord> session_from_json(const Json& doc) {
  SessionRecord record;
  Fields fields(doc);
  fields.need("session", record.session, kMostRecordText)
      .need("boot_id", record.boot_id, kMostRecordText)
      .may("instance", record.instance, kMostRecordText)
      .may("run", record.run, kMostRecordText)
      .may("machine", record.machine, kMostRecordText)
      .need("started_at", record.started_at)
      .may("ended_at", record.ended_at);
  read_process(fields, "sshd", record.sshd);
  read_process(fields, "agent", record.agent);
  return fields.done().map([&] { return std::move(record); });
}

const NodeForward* find_forward(const NodeRecord& record, std::string_view name) {
  const auto found = std::ranges::find_if(
      record.forwards, [&](const NodeForward& forward) { return forward.name.text() == name; });
  return found == record.forwards.end() ? nullptr : &*found;
}

bool is_next_key(const NodeRecord& record, const PublicKey& key) {
  return record.next_key && is_same_key(*record.next_key, key);
}

std::string format_listen(Port port) {
  return "localhost:" + std::to_string(port);
}

}  // namespace reversi::server

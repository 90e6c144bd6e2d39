#include "server/core/events.h"

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/protocol.h"
#include "common/core/word_table.h"
#include "server/core/duration_text.h"
#include "server/core/event_scan.h"

namespace reversi::server {
namespace {

constexpr WordTable<EventKind, 10> kKinds{{{
    {EventKind::up, "up"},
    {EventKind::down, "down"},
    {EventKind::verdict, "verdict"},
    {EventKind::evicted, "evicted"},
    {EventKind::refused, "refused"},
    {EventKind::conflict, "conflict"},
    {EventKind::protocol_error, "protocol_error"},
    {EventKind::file_error, "file_error"},
    {EventKind::changed, "changed"},
    {EventKind::unknown, "unknown"},
}}};

constexpr Millis kLongestDuration{std::chrono::days{36600}};

void put(Json& doc, std::string_view key, const std::string& text, std::size_t limit) {
  if (!text.empty()) doc[std::string(key)] = printable(text, limit);
}

void put(Json& doc, std::string_view key, const std::optional<Millis>& duration) {
  if (duration) doc[std::string(key)] = duration->count();
}

void read(Fields& fields, std::string_view key, std::optional<Millis>& out) {
  Millis duration{-1};
  fields.may(key, duration, Millis{0}, kLongestDuration);
  if (duration >= Millis{0}) out = duration;
}

}  // namespace

std::string_view event_kind_name(EventKind kind) {
  return kKinds.name(kind);
}

EventKind parse_event_kind(std::string_view name) {
  return kKinds.parse(name).value_or(EventKind::unknown);
}

Json event_to_json(const Event& event) {
  Json doc{{"at", format_rfc3339(event.at)}, {"event", event_kind_name(event.kind)}};
  put(doc, "session", event.session, kMaxNameBytes);
  put(doc, "reason", event.reason, kMaxReasonBytes);
  put(doc, "address", event.address, kMaxNameBytes);
  put(doc, "machine", event.machine, kMaxNameBytes);
  put(doc, "forward", event.forward, kMaxNameBytes);
  if (event.verdict) doc["verdict"] = verdict_name(*event.verdict);
  put(doc, "was_down_ms", event.was_down);
  put(doc, "was_up_ms", event.was_up);
  return doc;
}

std::string encode_event(const Event& event) {
  return json_line(event_to_json(event)) + '\n';
}

Result<Event> decode_event(std::string_view line) {
  if (line.size() > kMaxEventBytes) return fail(Errc::config, "longer than an event can be");
  if (auto plain = scan_event(line)) return *std::move(plain);
  const auto doc = parse_json(line);
  if (!doc) return fail(doc.error());
  Event event;
  std::string kind;
  std::string verdict;
  Fields fields(*doc);
  fields.need("at", event.at)
      .need("event", kind, kMaxReasonBytes)
      .may("session", event.session, kMaxReasonBytes)
      .may("reason", event.reason, kMaxEventBytes)
      .may("address", event.address, kMaxReasonBytes)
      .may("machine", event.machine, kMaxReasonBytes)
      .may("forward", event.forward, kMaxReasonBytes)
      .may("verdict", verdict, kMaxReasonBytes);
  read(fields, "was_down_ms", event.was_down);
  read(fields, "was_up_ms", event.was_up);
  event.kind = parse_event_kind(kind);
  if (!verdict.empty()) event.verdict = parse_verdict(verdict).value_or(Verdict::unknown);
  return fields.done().map([&] { return std::move(event); });
}

std::string format_event(const Event& event) {
  std::string text = format_rfc3339(event.at);
  text[10] = ' ';
  text.resize(19);  // seconds are enough here
  std::string kind(event_kind_name(event.kind));
  kind.resize(std::max<std::size_t>(kind.size(), 14), ' ');
  text += "  " + kind;
  std::vector<std::string> parts;
  if (!event.forward.empty()) {
    parts.push_back(event.forward +
                    (event.verdict ? " " + std::string(verdict_name(*event.verdict)) : ""));
  }
  if (event.was_down) parts.push_back("was down " + format_duration(*event.was_down));
  if (event.was_up) parts.push_back("was up " + format_duration(*event.was_up));
  if (!event.address.empty()) parts.push_back("from " + event.address);
  if (!event.reason.empty()) parts.push_back(event.reason);
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "  " : ", ") + parts[i];
  return printable(text, kMaxEventBytes);
}

}  // namespace reversi::server

#include "client/core/worker_messages.h"

#include <algorithm>
#include <array>
#include <limits>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/word_table.h"

namespace reversi::client {
namespace {

constexpr std::size_t kMaxMessagePathBytes = 4096;
constexpr std::size_t kMaxErrorBytes = 1024;
constexpr std::size_t kMaxCommandBytes = 4096;
constexpr std::size_t kMaxMessageEndpointBytes = 280;
constexpr std::int64_t kMaxCounter = std::numeric_limits<std::int64_t>::max();

constexpr WordTable<Failure, 7> kFailures{{{
    {Failure::no_answer, "no_answer"},
    {Failure::lost, "lost"},
    {Failure::closed, "closed"},
    {Failure::host_key, "host_key"},
    {Failure::key_refused, "key_refused"},
    {Failure::setup, "setup"},
    {Failure::parent_gone, "parent_gone"},
}}};
constexpr WordTable<TargetOutcome, 4> kTargetOutcomes{{{
    {TargetOutcome::ok, "ok"},
    {TargetOutcome::refused, "refused"},
    {TargetOutcome::timeout, "timeout"},
    {TargetOutcome::unreachable, "unreachable"},
}}};

/// Reads a text of the message with its own parser ("host:port", a target, a word of a table).
template <class T, class Parse>
void need_parsed(Fields& fields, std::string_view key, T& out, Parse parse) {
  std::string text;
  fields.need(key, text, kMaxMessageEndpointBytes);
  if (!fields.is_good()) return;
  auto value = parse(text);
  value ? void(out = *std::move(value)) : fields.mistake(key, value.error().line());
}

template <class Table>
auto word_parser(const Table& table) {
  return [&table](std::string_view word) -> Result<decltype(table.rows[0].first)> {
    if (const auto value = table.parse(word)) return *value;
    return fail(Errc::protocol, "unknown word \"" + printable(word, 40) + '"');
  };
}

template <class Message>
Result<Message> finish(const Fields& fields, Message message) {
  return fields.done().map([&] { return std::move(message); });
}

Result<Start> read_start(const Json& doc) {
  Start m;
  Fields fields(doc);
  need_parsed(fields, "server", m.server, parse_endpoint);
  fields.need("user", m.user, 256)
      .need("identity_file", m.identity_file, kMaxMessagePathBytes)
      .may("leaves_out_next", m.leaves_out_next)
      .may("known_hosts_files", m.known_hosts_files, 8, kMaxMessagePathBytes)
      .may("run_as", m.run_as, 256)
      .need("connect_limit_ms", m.connect_limit, Millis{1}, Millis{600'000})
      .may("max_buffered_bytes", m.max_buffered_bytes, std::int64_t{1},
            kMostBufferedMib * 1024 * 1024)
      .need("agent", m.agent)
      .may("command", m.command, kMaxCommandBytes);
  return finish(fields, std::move(m));
}
Result<Forward> read_forward(const Json& doc) {
  Forward m;
  Fields fields(doc);
  fields.need("forward", m.forward, kMaxNameBytes);
  need_parsed(fields, "listen", m.listen, parse_endpoint);
  need_parsed(fields, "target", m.target, parse_target);
  return finish(fields, std::move(m));
}
Result<Retarget> read_retarget(const Json& doc) {
  Retarget m;
  Fields fields(doc);
  fields.need("forward", m.forward, kMaxNameBytes);
  need_parsed(fields, "target", m.target, parse_target);
  return finish(fields, std::move(m));
}
Result<OpenCanary> read_open_canary(const Json& doc) {
  OpenCanary m;
  Fields fields(doc);
  need_parsed(fields, "listen", m.listen, parse_endpoint);
  need_parsed(fields, "destination", m.destination, parse_endpoint);
  return finish(fields, std::move(m));
}
Result<AgentLine> read_agent_line(const Json& doc) {
  AgentLine m;
  Fields fields(doc);
  // A byte that was not UTF-8 arrives as U+FFFD, three bytes long.
  fields.need("line", m.line, 3 * kMaxLineBytes);
  if (m.line.find('\n') != std::string::npos) fields.mistake("line", "expected a single line");
  return finish(fields, std::move(m));
}
Result<WatchProbe> read_watch_probe(const Json& doc) {
  WatchProbe m;
  Fields fields(doc);
  std::int64_t port = 0;
  fields.need("probe", m.probe, 0, kMaxCounter)
      .need("forward", m.forward, kMaxNameBytes)
      .need("originator_port", port, 1, 65'535)
      .may("patience_ms", m.patience, Millis{0}, Millis{600'000});
  m.originator_port = static_cast<Port>(port);
  return finish(fields, std::move(m));
}
template <class Message>
Result<Message> read_empty(const Json& /*doc*/) {
  return Message{};
}

Result<Connected> read_connected(const Json& doc) {
  Connected m;
  Fields fields(doc);
  fields.need("address", m.address, kMaxMessageEndpointBytes)
      .need("host_key", m.host_key, 128)
      .may("identity_file", m.identity_file, kMaxMessagePathBytes)
      .may("host_key_line", m.host_key_line, kMaxMessagePathBytes);
  return finish(fields, std::move(m));
}
Result<Failed> read_failed(const Json& doc) {
  Failed m;
  Fields fields(doc);
  need_parsed(fields, "failure", m.failure, word_parser(kFailures));
  fields.need("text", m.text, kMaxErrorBytes);
  return finish(fields, std::move(m));
}
Result<ForwardReply> read_forward_reply(const Json& doc) {
  ForwardReply m;
  Fields fields(doc);
  fields.need("forward", m.forward, kMaxNameBytes)
      .need("listens", m.listens)
      .may("error", m.error, kMaxErrorBytes);
  return finish(fields, std::move(m));
}
Result<CanaryReply> read_canary_reply(const Json& doc) {
  CanaryReply m;
  Fields fields(doc);
  fields.need("listens", m.listens).may("error", m.error, kMaxErrorBytes);
  if (fields.find("listen") != nullptr) {
    need_parsed(fields, "listen", m.listen.emplace(), parse_endpoint);
  }
  return finish(fields, std::move(m));
}
Result<ProbeSeen> read_probe_seen(const Json& doc) {
  ProbeSeen m;
  Fields fields(doc);
  fields.need("probe", m.probe, 0, kMaxCounter);
  need_parsed(fields, "target", m.target, word_parser(kTargetOutcomes));
  return finish(fields, std::move(m));
}
Result<Sampled> read_sampled(const Json& doc) {
  Sampled m;
  Fields fields(doc);
  std::int64_t received = 0;
  std::int64_t acked = 0;
  fields.need("bytes_received", received, 0, kMaxCounter)
      .need("bytes_acked", acked, 0, kMaxCounter)
      .need("has_unacked", m.progress.has_unacked)
      .need("open_channels", m.open_channels, 0, 1'000'000)
      .need("address_gone", m.address_gone);
  m.progress.bytes_received = static_cast<std::uint64_t>(received);
  m.progress.bytes_acked = static_cast<std::uint64_t>(acked);
  return finish(fields, std::move(m));
}

Json to_json(const Start& m) {
  return {{"type", "start"},
          {"server", format_endpoint(m.server)},
          {"user", m.user},
          {"identity_file", m.identity_file},
          {"leaves_out_next", m.leaves_out_next},
          {"known_hosts_files", m.known_hosts_files},
          {"run_as", m.run_as},
          {"connect_limit_ms", m.connect_limit.count()},
          {"max_buffered_bytes", m.max_buffered_bytes},
          {"agent", m.agent},
          {"command", m.command}};
}
Json to_json(const Forward& m) {
  return {{"type", "forward"},
          {"forward", m.forward},
          {"listen", format_endpoint(m.listen)},
          {"target", format_target(m.target)}};
}
Json to_json(const Retarget& m) {
  return {{"type", "retarget"}, {"forward", m.forward}, {"target", format_target(m.target)}};
}
Json to_json(const OpenCanary& m) {
  return {{"type", "open_canary"},
          {"listen", format_endpoint(m.listen)},
          {"destination", format_endpoint(m.destination)}};
}
Json to_json(const AgentLine& m) {
  return {{"type", "agent_line"}, {"line", m.line}};
}
Json to_json(const WatchProbe& m) {
  return {{"type", "watch_probe"},
          {"probe", m.probe},
          {"forward", m.forward},
          {"originator_port", m.originator_port},
          {"patience_ms", m.patience.count()}};
}
Json to_json(const TakeSample& /*m*/) {
  return {{"type", "take_sample"}};
}
Json to_json(const Alive& /*m*/) {
  return {{"type", "alive"}};
}

Json to_json(const Connected& m) {
  return {{"type", "connected"},
          {"address", m.address},
          {"host_key", m.host_key},
          {"identity_file", m.identity_file},
          {"host_key_line", m.host_key_line}};
}
Json to_json(const Failed& m) {
  return {{"type", "failed"},
          {"failure", kFailures.name(m.failure)},
          {"text", printable(m.text, kMaxErrorBytes - 3)}};
}
Json to_json(const ForwardReply& m) {
  Json doc = {{"type", "forward_reply"}, {"forward", m.forward}, {"listens", m.listens}};
  if (!m.error.empty()) doc["error"] = printable(m.error, kMaxErrorBytes - 3);
  return doc;
}
Json to_json(const CanaryReply& m) {
  Json doc = {{"type", "canary_reply"}, {"listens", m.listens}};
  if (m.listen) doc["listen"] = format_endpoint(*m.listen);
  if (!m.error.empty()) doc["error"] = printable(m.error, kMaxErrorBytes - 3);
  return doc;
}
Json to_json(const ProbeSeen& m) {
  return {{"type", "probe_seen"}, {"probe", m.probe}, {"target", kTargetOutcomes.name(m.target)}};
}
Json to_json(const Sampled& m) {
  return {{"type", "sampled"},
          {"bytes_received", m.progress.bytes_received},
          {"bytes_acked", m.progress.bytes_acked},
          {"has_unacked", m.progress.has_unacked},
          {"open_channels", m.open_channels},
          {"address_gone", m.address_gone}};
}

/// One message type: its word on the wire and how its fields are read.
template <class Variant>
struct MessageReader {
  std::string_view type;
  Result<Variant> (*read)(const Json& doc);
};

template <class Variant, auto Read>
Result<Variant> as_variant(const Json& doc) {
  return Read(doc).map(
      [](auto&& message) { return Variant{std::forward<decltype(message)>(message)}; });
}

constexpr auto kCommandReaders = std::to_array<MessageReader<WorkerCommand>>({
    {"start", as_variant<WorkerCommand, read_start>},
    {"forward", as_variant<WorkerCommand, read_forward>},
    {"retarget", as_variant<WorkerCommand, read_retarget>},
    {"open_canary", as_variant<WorkerCommand, read_open_canary>},
    {"agent_line", as_variant<WorkerCommand, read_agent_line>},
    {"watch_probe", as_variant<WorkerCommand, read_watch_probe>},
    {"take_sample", as_variant<WorkerCommand, read_empty<TakeSample>>},
    {"alive", as_variant<WorkerCommand, read_empty<Alive>>},
});
constexpr auto kEventReaders = std::to_array<MessageReader<WorkerEvent>>({
    {"connected", as_variant<WorkerEvent, read_connected>},
    {"failed", as_variant<WorkerEvent, read_failed>},
    {"agent_line", as_variant<WorkerEvent, read_agent_line>},
    {"forward_reply", as_variant<WorkerEvent, read_forward_reply>},
    {"canary_reply", as_variant<WorkerEvent, read_canary_reply>},
    {"probe_seen", as_variant<WorkerEvent, read_probe_seen>},
    {"sampled", as_variant<WorkerEvent, read_sampled>},
});

template <class Readers>
auto decode(std::string_view line, const Readers& readers) -> decltype(readers[0].read(Json{})) {
  const auto as_protocol = [](const Error& error) { return Error{Errc::protocol, error.line()}; };
  const auto doc = parse_json(line);
  if (!doc) return fail(as_protocol(doc.error()));
  std::string type;
  Fields fields(*doc);
  if (const auto read = fields.need("type", type, 64).done(); !read) {
    return fail(as_protocol(read.error()));
  }
  const auto* reader = std::ranges::find(readers, type, [](const auto& row) { return row.type; });
  if (reader == readers.end()) {
    return fail(Errc::protocol, "unknown message type \"" + printable(type, 64) + '"');
  }
  return reader->read(*doc).map_error(
      [&](Error error) { return as_protocol(std::move(error).in(type)); });
}

template <class Variant>
std::string encode_line(const Variant& message) {
  return std::visit([](const auto& m) { return json_line(to_json(m)) + '\n'; }, message);
}

}  // namespace

std::string encode(const WorkerCommand& command) {
  return encode_line(command);
}
std::string encode(const WorkerEvent& event) {
  return encode_line(event);
}

Result<WorkerCommand> decode_worker_command(std::string_view line) {
  return decode(line, kCommandReaders);
}
Result<WorkerEvent> decode_worker_event(std::string_view line) {
  return decode(line, kEventReaders);
}

std::string_view failure_name(Failure failure) {
  return kFailures.name(failure);
}

}  // namespace reversi::client

// Long because every message of the protocol is read and written here, beside the table of them all.

#include "common/core/protocol.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/word_table.h"

namespace reversi {
namespace {

constexpr std::size_t kMostFeatures = 64;
constexpr std::size_t kMostTargetBytes = 300;
constexpr std::size_t kMostListenBytes = 300;
constexpr std::size_t kMostKeyBytes = 4096;
constexpr std::size_t kMostKeys = 16;
constexpr std::size_t kMostServers = 16;
constexpr std::int64_t kMostNumber = std::int64_t{1} << 53;
constexpr Millis kLongestWait{std::chrono::hours{24}};

constexpr WordTable<RefusedReason, 5> kRefusedReasons{{{
    {RefusedReason::duplicate, "duplicate"},
    {RefusedReason::disabled, "disabled"},
    {RefusedReason::busy, "busy"},
    {RefusedReason::no_grant, "no_grant"},
    {RefusedReason::draining, "draining"},
}}};

constexpr WordTable<TargetOutcome, 4> kTargetOutcomes{{{
    {TargetOutcome::ok, "ok"},
    {TargetOutcome::refused, "refused"},
    {TargetOutcome::timeout, "timeout"},
    {TargetOutcome::unreachable, "unreachable"},
}}};

// ---- one put() and one read() per message: the wire form, side by side ---------------------------

Json put(const HelloForward& m) {
  Json doc{{"name", m.name}, {"target", m.target}};
  if (m.listen) doc["listen"] = *m.listen;
  if (m.expect) doc["expect"] = expect_to_json(*m.expect);
  return doc;
}

Result<HelloForward> read_forward(const Json& doc) {
  HelloForward m;
  Fields fields(doc);
  fields.need("name", m.name, kMaxNameBytes)
      .need("target", m.target, kMostTargetBytes)
      .may("listen", m.listen, kMostListenBytes);
  if (const Json* expect = fields.find("expect")) {
    auto value = expect_from_json(*expect);
    value ? void(m.expect = *std::move(value)) : fields.mistake("expect", value.error().line());
  }
  return fields.done().map([&] { return std::move(m); });
}

Json put(const Hello& m) {
  Json forwards = Json::array();
  for (const HelloForward& forward : m.forwards) forwards.push_back(put(forward));
  return {{"protocol", m.protocol},
          {"features", m.features},
          {"node", m.node},
          {"instance", m.instance},
          {"run", m.run},
          {"machine", m.machine},
          {"client_version", m.client_version},
          {"os", m.os},
          {"arch", m.arch},
          {"metered", m.metered},
          {"forwards", std::move(forwards)}};
}

void read(Fields& fields, Hello& m) {
  std::int64_t protocol = 0;
  fields.need("protocol", protocol, 1, 1'000'000)
      .may("features", m.features, kMostFeatures, kMaxNameBytes)
      .need("node", m.node, kMaxNameBytes)
      .need("instance", m.instance, kMaxNameBytes)
      .need("run", m.run, kMaxNameBytes)
      .need("machine", m.machine, kMaxNameBytes)
      .may("client_version", m.client_version, kMaxNameBytes)
      .may("os", m.os, kMaxNameBytes)
      .may("arch", m.arch, kMaxNameBytes)
      .may("metered", m.metered);
  m.protocol = static_cast<int>(protocol);
  for (const Json* item : fields.items("forwards", kMaxForwards)) {
    auto forward = read_forward(*item);
    forward ? m.forwards.push_back(*std::move(forward))
            : fields.mistake("forwards", forward.error().line());
  }
}

Json put(const Forwarded& m) {
  return {{"forward", m.forward}, {"listens", m.listens}, {"error", m.error}};
}
void read(Fields& fields, Forwarded& m) {
  fields.need("forward", m.forward, kMaxNameBytes)
      .need("listens", m.listens)
      .may("error", m.error, kMaxReasonBytes);
}

Json put(const Ready&) {
  return Json::object();
}
void read(Fields&, Ready&) {}

Json put(const Heartbeat& m) {
  return {{"seq", m.seq}};
}
void read(Fields& fields, Heartbeat& m) {
  fields.need("seq", m.seq, 0, kMostNumber);
}

Json put(const Check& m) {
  return m.forward ? Json{{"forward", *m.forward}} : Json::object();
}
void read(Fields& fields, Check& m) {
  fields.may("forward", m.forward, kMaxNameBytes);
}

Json put(const PathSeen& m) {
  return {{"probe", m.probe}, {"target", target_outcome_name(m.target)}};
}
void read(Fields& fields, PathSeen& m) {
  std::string target;
  fields.need("probe", m.probe, 0, kMostNumber).need("target", target, kMaxNameBytes);
  const auto outcome = kTargetOutcomes.parse(target);
  outcome ? void(m.target = *outcome) : fields.mistake("target", "unknown outcome");
}

Json put(const Pong& m) {
  return {{"challenge", m.challenge}};
}
void read(Fields& fields, Pong& m) {
  fields.need("challenge", m.challenge, 0, kMostNumber);
}

Json put(const Rotated& m) {
  Json doc{{"request", m.request}};
  doc[m.error.empty() ? "public_key" : "error"] = m.error.empty() ? m.public_key : m.error;
  return doc;
}
void read(Fields& fields, Rotated& m) {
  fields.need("request", m.request, kMaxNameBytes)
      .may("public_key", m.public_key, kMostKeyBytes)
      .may("error", m.error, kMaxReasonBytes);
}

Json put(const Bye& m) {
  return {{"reason", m.reason}};
}
void read(Fields& fields, Bye& m) {
  fields.may("reason", m.reason, kMaxReasonBytes);
}

struct PolicyField {
  const char* key;
  Millis SessionPolicy::*value;
  Millis least;
};
constexpr std::array kPolicyFields{
    PolicyField{"heartbeat_ms", &SessionPolicy::heartbeat, Millis{1000}},
    PolicyField{"check_ms", &SessionPolicy::check, Millis{1000}},
    PolicyField{"check_healthy_ms", &SessionPolicy::check_healthy, Millis{1000}},
    PolicyField{"healthy_after_ms", &SessionPolicy::healthy_after, Millis{0}},
    PolicyField{"dead_after_ms", &SessionPolicy::dead_after, Millis{3000}},
    PolicyField{"probe_limit_ms", &SessionPolicy::probe_limit, Millis{100}},
    PolicyField{"stable_after_ms", &SessionPolicy::stable_after, Millis{0}},
    PolicyField{"retry_first_ms", &SessionPolicy::retry_first, Millis{100}},
    PolicyField{"retry_longest_ms", &SessionPolicy::retry_longest, Millis{100}},
    PolicyField{"spread_ms", &SessionPolicy::spread, Millis{0}},
    PolicyField{"try_earlier_ms", &SessionPolicy::try_earlier, Millis{1000}},
};

Json put(const Welcome& m) {
  Json grants = Json::array();
  for (const Grant& grant : m.grants) {
    grants.push_back({{"forward", grant.forward}, {"listen", grant.listen}});
  }
  return {{"protocol", m.protocol},
          {"features", m.features},
          {"session", m.session},
          {"server_version", m.server_version},
          {"grants", std::move(grants)},
          {"not_granted", m.not_granted},
          {"policy", session_policy_to_json(m.policy)},
          {"host_keys", m.host_keys},
          {"servers", m.servers}};
}

void read(Fields& fields, Welcome& m) {
  std::int64_t protocol = 0;
  fields.need("protocol", protocol, 1, 1'000'000)
      .may("features", m.features, kMostFeatures, kMaxNameBytes)
      .need("session", m.session, kMaxNameBytes)
      .may("server_version", m.server_version, kMaxNameBytes)
      .may("not_granted", m.not_granted, kMaxForwards, kMaxNameBytes)
      .may("host_keys", m.host_keys, kMostKeys, kMostKeyBytes)
      .may("servers", m.servers, kMostServers, kMostListenBytes);
  m.protocol = static_cast<int>(protocol);
  for (const Json* item : fields.items("grants", kMaxForwards)) {
    Grant grant;
    Fields of_grant(*item);
    of_grant.need("forward", grant.forward, kMaxNameBytes)
        .need("listen", grant.listen, kMostListenBytes);
    if (const auto ok = of_grant.done(); !ok) fields.mistake("grants", ok.error().line());
    m.grants.push_back(std::move(grant));
  }
  if (const Json* doc = fields.find("policy")) {
    auto policy = session_policy_from_json(*doc);
    policy ? void(m.policy = *policy) : fields.mistake("policy", policy.error().line());
  }
}

Json put(const Refused& m) {
  return {{"reason", refused_reason_name(m.reason)},
          {"text", m.text},
          {"retry_after_ms", m.retry_after.count()}};
}
void read(Fields& fields, Refused& m) {
  std::string reason;
  fields.need("reason", reason, kMaxNameBytes)
      .may("text", m.text, kMaxReasonBytes)
      .need("retry_after_ms", m.retry_after, Millis{0}, kLongestWait);
  // A reason of a later version still means: not now.
  m.reason = kRefusedReasons.parse(reason).value_or(RefusedReason::busy);
}

Json put(const HeartbeatAck& m) {
  return {{"seq", m.seq}};
}
void read(Fields& fields, HeartbeatAck& m) {
  fields.need("seq", m.seq, 0, kMostNumber);
}

Json put(const ExpectProbe& m) {
  return {{"probe", m.probe}, {"forward", m.forward}, {"originator_port", m.originator_port}};
}
void read(Fields& fields, ExpectProbe& m) {
  std::int64_t port = 0;
  fields.need("probe", m.probe, 0, kMostNumber)
      .need("forward", m.forward, kMaxNameBytes)
      .need("originator_port", port, 1, 65535);
  m.originator_port = static_cast<Port>(port);
}

Json put(const Ping& m) {
  return {{"challenge", m.challenge}};
}
void read(Fields& fields, Ping& m) {
  fields.need("challenge", m.challenge, 0, kMostNumber);
}

Json put(const VerdictReport& m) {
  Json doc{{"forward", m.forward}, {"verdict", verdict_name(m.verdict)}, {"reason", m.reason}};
  if (m.latency) doc["latency_ms"] = m.latency->count();
  return doc;
}
void read(Fields& fields, VerdictReport& m) {
  std::string verdict;
  Millis latency{-1};
  fields.need("forward", m.forward, kMaxNameBytes)
      .need("verdict", verdict, kMaxNameBytes)
      .may("reason", m.reason, kMaxReasonBytes)
      .may("latency_ms", latency, Millis{0}, kLongestWait);
  m.verdict = parse_verdict(verdict).value_or(Verdict::unknown);
  if (latency >= Millis{0}) m.latency = latency;
}

Json put(const ForwardAgain& m) {
  return {{"forward", m.forward}};
}
void read(Fields& fields, ForwardAgain& m) {
  fields.need("forward", m.forward, kMaxNameBytes);
}

Json put(const Restart& m) {
  return {{"reason", m.reason}, {"retry_after_ms", m.retry_after.count()}};
}
void read(Fields& fields, Restart& m) {
  fields.may("reason", m.reason, kMaxReasonBytes)
      .may("retry_after_ms", m.retry_after, Millis{0}, kLongestWait);
}

Json put(const RotateKey& m) {
  return {{"request", m.request}};
}
void read(Fields& fields, RotateKey& m) {
  fields.need("request", m.request, kMaxNameBytes);
}

Json put(const Announce& m) {
  return {{"host_keys", m.host_keys}, {"servers", m.servers}};
}
void read(Fields& fields, Announce& m) {
  fields.may("host_keys", m.host_keys, kMostKeys, kMostKeyBytes)
      .may("servers", m.servers, kMostServers, kMostListenBytes);
}

Json put(const Draining& m) {
  return {{"retry_after_ms", m.retry_after.count()}};
}
void read(Fields& fields, Draining& m) {
  fields.may("retry_after_ms", m.retry_after, Millis{0}, kLongestWait);
}

Json put(const Unknown&) {
  return nullptr;
}

// ---- the tables of types -------------------------------------------------------------------------

template <class Variant>
struct Type {
  std::string_view name;
  std::size_t index;  ///< in the variant
  bool optional;      ///< sent only if the other side named it
  Result<Variant> (*read)(const Json& doc);
};

template <class Variant, class Message>
Result<Variant> read_as(const Json& doc) {
  Message message;
  Fields fields(doc);
  read(fields, message);
  return fields.done().map([&] { return Variant{std::move(message)}; });
}

template <class Variant, class Message>
constexpr Type<Variant> row(std::string_view name, bool optional = false) {
  return {name, Variant{Message{}}.index(), optional, read_as<Variant, Message>};
}

template <class Message>
Type<ClientMessage> from_client(std::string_view name, bool optional = false) {
  return row<ClientMessage, Message>(name, optional);
}
template <class Message>
Type<AgentMessage> from_agent(std::string_view name, bool optional = false) {
  return row<AgentMessage, Message>(name, optional);
}

const std::array kClientTypes{
    from_client<Hello>("hello"),       from_client<Forwarded>("forwarded"),
    from_client<Ready>("ready"),       from_client<Heartbeat>("heartbeat"),
    from_client<Check>("check", true), from_client<PathSeen>("path_seen", true),
    from_client<Pong>("pong", true),   from_client<Rotated>("rotated", true),
    from_client<Bye>("bye", true),
};

const std::array kAgentTypes{
    from_agent<Welcome>("welcome"),
    from_agent<Refused>("refused"),
    from_agent<HeartbeatAck>("heartbeat_ack"),
    from_agent<ExpectProbe>("expect_probe", true),
    from_agent<Ping>("ping", true),
    from_agent<VerdictReport>("verdict", true),
    from_agent<ForwardAgain>("forward_again", true),
    from_agent<Restart>("restart", true),
    from_agent<RotateKey>("rotate_key", true),
    from_agent<Announce>("announce", true),
    from_agent<Draining>("draining", true),
};

template <class Variant, class Table>
std::string_view name_in(const Table& table, const Variant& message) {
  for (const auto& type : table) {
    if (type.index == message.index()) return type.name;
  }
  return std::get<Unknown>(message).type;
}

template <class Variant, class Table>
std::string encode_with(const Table& table, const Variant& message) {
  if (std::holds_alternative<Unknown>(message)) return {};
  Json doc = std::visit([](const auto& m) { return put(m); }, message);
  doc["type"] = name_in(table, message);
  return json_line(doc) + '\n';
}

template <class Variant, class Table>
Result<Variant> decode_with(const Table& table, std::string_view line) {
  const auto as_protocol = [](const Error& e) { return Error{Errc::protocol, e.line()}; };
  const Json doc = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!doc.is_object()) return fail(Errc::protocol, "not a JSON object");
  std::string name;
  Fields fields(doc);
  fields.need("type", name, kMaxNameBytes);
  if (auto ok = fields.done(); !ok) return fail(as_protocol(ok.error()));
  for (const auto& type : table) {
    if (type.name == name) {
      return type.read(doc).map_error(
          [&](const Error& e) { return as_protocol(e).in(std::string(name)); });
    }
  }
  return Variant{Unknown{name}};
}

template <class Table>
std::vector<std::string> optional_names(const Table& table) {
  std::vector<std::string> names;
  for (const auto& type : table) {
    if (type.optional) names.emplace_back(type.name);
  }
  return names;
}

}  // namespace

Json session_policy_to_json(const SessionPolicy& policy) {
  Json doc = Json::object();
  for (const PolicyField& field : kPolicyFields) doc[field.key] = (policy.*field.value).count();
  return doc;
}

Result<SessionPolicy> session_policy_from_json(const Json& doc) {
  SessionPolicy policy;
  Fields fields(doc);
  for (const PolicyField& field : kPolicyFields) {
    fields.may(field.key, policy.*field.value, field.least, kLongestWait);
  }
  return fields.done().map([&] { return policy; });
}

SessionPolicy clamp_session_policy(SessionPolicy policy) {
  for (const PolicyField& field : kPolicyFields) {
    policy.*field.value = std::clamp(policy.*field.value, field.least, kLongestWait);
  }
  return policy;
}

std::string encode(const ClientMessage& message) {
  return encode_with(kClientTypes, message);
}
std::string encode(const AgentMessage& message) {
  return encode_with(kAgentTypes, message);
}

Result<ClientMessage> decode_client_message(std::string_view line) {
  return decode_with<ClientMessage>(kClientTypes, line);
}
Result<AgentMessage> decode_agent_message(std::string_view line) {
  return decode_with<AgentMessage>(kAgentTypes, line);
}

std::vector<std::string> client_features() {
  return optional_names(kAgentTypes);
}
std::vector<std::string> agent_features() {
  return optional_names(kClientTypes);
}

std::string_view type_name(const ClientMessage& message) {
  return name_in(kClientTypes, message);
}
std::string_view type_name(const AgentMessage& message) {
  return name_in(kAgentTypes, message);
}

std::string_view refused_reason_name(RefusedReason reason) {
  return kRefusedReasons.name(reason);
}
std::string_view target_outcome_name(TargetOutcome outcome) {
  return kTargetOutcomes.name(outcome);
}

}  // namespace reversi

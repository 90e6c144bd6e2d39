#include "server/io/agent_mailbox.h"

#include <signal.h>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/protocol.h"
#include "common/core/word_table.h"
#include "common/io/clock.h"
#include "server/io/own_file.h"
#include "server/io/process.h"

namespace reversi::server {
namespace {

constexpr WordTable<RequestKind, 6> kKinds{{{
    {RequestKind::probe, "probe"},
    {RequestKind::evict, "evict"},
    {RequestKind::challenge, "challenge"},
    {RequestKind::disable, "disable"},
    {RequestKind::rotate_key, "rotate_key"},
    {RequestKind::reload, "reload"},
}}};

constexpr Millis kLookInterval{10};

/// The object in a request or answer file, if it carries this id.
std::optional<Json> read_answer(const std::string& path, const std::string& id) {
  const auto text = read_own_file(path);
  if (!text) return std::nullopt;
  auto doc = parse_json(*text);
  std::string found;
  if (!doc || !Fields(*doc).need("id", found, kMaxNameBytes).is_good()) return std::nullopt;
  if (found != id) return std::nullopt;
  return *std::move(doc);
}

Result<Json> judge_answer(Json answer) {
  bool ok = false;
  std::string error = "no reason given";
  Fields fields(answer);
  fields.need("ok", ok).may("error", error, kMaxReasonBytes);
  if (!fields.is_good()) return fail(fields.done().error());
  if (!ok) return fail(Errc::refused, error);
  return answer;
}

}  // namespace

std::string_view request_kind_name(RequestKind kind) {
  return kKinds.name(kind);
}
std::optional<RequestKind> parse_request_kind(std::string_view name) {
  return kKinds.parse(name);
}

namespace {

/// Whoever asks holds up everybody else who wants to: Ctrl-Z must not make that last for ever.
class NotSuspended {
 public:
  NotSuspended() {
    sigset_t stops;
    ::sigemptyset(&stops);
    for (const int number : {SIGTSTP, SIGTTIN, SIGTTOU}) ::sigaddset(&stops, number);
    ::pthread_sigmask(SIG_BLOCK, &stops, &before_);
  }
  ~NotSuspended() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NotSuspended(const NotSuspended&) = delete;
  NotSuspended& operator=(const NotSuspended&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Result<Json> ask_agent(const StateDir& state, const NodeName& node, const ProcessId& agent,
                       RequestKind kind, const Json& details, Millis limit) {
  const std::string lock = state.node_file(node, "request.lock");
  clear_the_way(lock);
  const NotSuspended until_answered;
  const auto turn = lock_file(lock, limit);
  // Never a timeout: that is said of an agent that was asked and kept silent.
  if (!turn && turn.error().code() == Errc::timeout) {
    return fail(Errc::refused, "another request is under way");
  }
  if (!turn) return fail(Errc::refused, turn.error().line());
  const MonoTime deadline = mono_now() + limit;
  const auto held = open_process(agent);
  if (!held) return fail(Error(held.error()).in("agent of node " + node.text()));
  const std::string id = random_hex(8);
  Json request = details.is_object() ? details : Json::object();
  request["id"] = id;
  request["request"] = request_kind_name(kind);
  const std::string file = state.node_file(node, "request");
  if (auto ok = write_file(file, json_text(request), 0600, Sync::none); !ok)
    return fail(ok.error());
  if (auto ok = signal_process(*held, SIGUSR1); !ok) return fail(ok.error());
  for (;;) {
    if (auto answer = read_answer(state.node_file(node, "answer"), id)) {
      return judge_answer(*std::move(answer));
    }
    if (mono_now() >= deadline) {
      return fail(Errc::timeout, "the agent of node " + node.text() + " did not answer within " +
                                     std::to_string(limit.count()) + " ms");
    }
    // The end of the agent ends the wait, once its last answer has been looked for.
    if (!wait_for_end(*held, kLookInterval)) continue;
    if (auto answer = read_answer(state.node_file(node, "answer"), id)) {
      return judge_answer(*std::move(answer));
    }
    return fail(Errc::not_found, "the agent of node " + node.text() + " ended");
  }
}

std::optional<Request> read_request(const StateDir& state, const NodeName& node,
                                    const std::string& last_id) {
  const auto text = read_own_file(state.node_file(node, "request"));
  if (!text) return std::nullopt;
  const auto doc = parse_json(*text);
  if (!doc) return std::nullopt;
  Request request;
  std::string kind;
  Fields fields(*doc);
  fields.need("id", request.id, kMaxNameBytes).need("request", kind, kMaxNameBytes);
  const auto known = parse_request_kind(kind);
  if (!fields.is_good() || !known || request.id == last_id) return std::nullopt;
  request.kind = *known;
  request.text = *text;
  return request;
}

Result<void> write_answer(const StateDir& state, const NodeName& node, const Request& request,
                          const std::string& error, const Json& details) {
  Json answer = details.is_object() ? details : Json::object();
  answer["id"] = request.id;
  answer["ok"] = error.empty();
  if (!error.empty()) answer["error"] = printable(error, kMaxReasonBytes);
  return write_file(state.node_file(node, "answer"), json_text(answer), 0600, Sync::none);
}

}  // namespace reversi::server

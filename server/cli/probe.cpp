// probe and evict: a word to the agent of a live session.

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/protocol.h"
#include "common/core/status.h"
#include "common/io/clock.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"

namespace reversi::server {
namespace {

/// Errc::config: exit code 3, nothing is running.
Error no_session(const OpenedNode& opened, const std::string& reason) {
  return {Errc::config,
          "node " + opened.node.text() + " has no session" + (reason.empty() ? "" : ": " + reason)};
}

/// As many forwards at a time as start_probes() allows. Each may be probed twice, and each time
/// takes a limit for the path and one for the answer.
Millis answer_limit(const ServerPolicy& policy) {
  const auto at_once = std::max<std::int64_t>(1, policy.probes_at_once / 2);
  const auto rounds = static_cast<std::int64_t>(kMaxForwards) / at_once + 1;
  return policy.probe_limit * (4 * rounds) + Millis{3000};
}

struct Probed {
  std::string name;
  Verdict verdict = Verdict::unknown;
  std::string reason;
  std::int64_t latency_ms = -1;
};

Result<Probed> read_probed(const nlohmann::json& doc) {
  Probed probed;
  std::string verdict;
  Fields fields(doc);
  fields.need("name", probed.name, kMaxNameBytes)
      .need("verdict", verdict, kMaxNameBytes)
      .may("reason", probed.reason, kMaxReasonBytes)
      .may("latency_ms", probed.latency_ms, 0, INT32_MAX);
  probed.verdict = parse_verdict(verdict).value_or(Verdict::unknown);
  return fields.done().map([&] { return std::move(probed); });
}

std::string text_of(const Probed& probed) {
  std::string text = printable(probed.name);
  text.resize(std::max<std::size_t>(text.size(), 20), ' ');
  text += "  " + std::string(verdict_name(probed.verdict));
  if (probed.latency_ms >= 0) text += "  " + std::to_string(probed.latency_ms) + " ms";
  if (!probed.reason.empty()) text += "  " + printable(probed.reason);
  return text + '\n';
}

Result<ExitCode> probe(const NodeOptions& options) {
  const auto opened = open_node(options);
  if (!opened) return fail(opened.error());
  const NodeFiles files = opened->admin.state.load_files(opened->node);
  if (!files.agent_lives) {
    return fail(no_session(*opened, view_node(files, wall_now()).reason));
  }
  const auto answer =
      ask_agent(opened->admin.state, opened->node, files.session->agent, RequestKind::probe,
                nlohmann::json::object(), answer_limit(opened->admin.policy));
  if (!answer && answer.error().code() == Errc::not_found) {
    return fail(no_session(*opened, "it ended just now"));
  }
  if (!answer) return fail(answer.error());
  Fields fields(*answer);
  bool all_healthy = true;
  std::size_t count = 0;
  // Those of the node, and those that only the server knows.
  const auto items = fields.items("forwards", 2 * kMaxForwards);
  if (const auto ok = fields.done(); !ok) {
    return fail(Error(ok.error()).in("the agent's answer"));
  }
  for (const nlohmann::json* item : items) {
    const auto probed = read_probed(*item);
    if (!probed) return fail(Error(probed.error()).in("the agent's answer"));
    print(text_of(*probed));
    all_healthy = all_healthy && probed->verdict == Verdict::healthy;
    ++count;
  }
  return all_healthy && count > 0 ? ExitCode::done : ExitCode::failed;
}

Result<ExitCode> evict(const NodeOptions& options) {
  const auto opened = open_node(options);
  if (!opened) return fail(opened.error());
  const auto ended = end_session(opened->admin.state, opened->node, RequestKind::evict,
                                 /*comes_back=*/true);
  if (!ended) return fail(ended.error());
  if (!*ended) return fail(no_session(*opened, ""));
  return ExitCode::done;
}

}  // namespace

Run probe_verb(Options& add) {
  auto options = std::make_shared<NodeOptions>();
  add_node_options(add, *options);
  return [options] { return probe(*options); };
}

Run evict_verb(Options& add) {
  auto options = std::make_shared<NodeOptions>();
  add_node_options(add, *options);
  return [options] { return evict(*options); };
}

}  // namespace reversi::server

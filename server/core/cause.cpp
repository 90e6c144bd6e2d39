#include "server/core/cause.h"

#include <string_view>

namespace reversi::server {
namespace {

std::string port_of(const ForwardStatus& forward) {
  const std::size_t colon = forward.listen.rfind(':');
  return colon == std::string::npos ? forward.listen : forward.listen.substr(colon + 1);
}

/// "service refused on 127.0.0.1:22": the agent's reason holds which of the three it was.
std::string service_down_text(const ForwardStatus& forward) {
  const std::string where = forward.target.empty() ? "its target" : forward.target;
  const std::string_view reason = forward.reason;
  if (reason.find("refused") != std::string_view::npos) return "service refused on " + where;
  if (reason.find("unreachable") != std::string_view::npos) return where + " is unreachable";
  return "service does not take connections on " + where;
}

/// The agent's reason, where the words for the verdict do not say it already. It may be long, and a
/// narrow terminal cuts it off: so it comes last.
std::string detail(const ForwardStatus& forward) {
  const bool tells_more = forward.verdict == Verdict::wrong_answer ||
                          forward.verdict == Verdict::not_listening ||
                          forward.verdict == Verdict::port_taken;
  return tells_more && !forward.reason.empty() ? " (" + forward.reason + ")" : "";
}

std::string fault_text(const ForwardStatus& forward) {
  const std::string where = forward.target.empty() ? "" : " on " + forward.target;
  switch (forward.verdict) {
    case Verdict::service_down:
      return service_down_text(forward);
    case Verdict::service_hung:
      return "service says nothing" + where;
    case Verdict::wrong_answer:
      return "wrong answer" + where;
    case Verdict::hung:
      return "the tunnel is dead";
    case Verdict::not_listening:
      return "nobody listens on server port " + port_of(forward);
    case Verdict::port_taken:
      return "server port " + port_of(forward) + " is taken";
    case Verdict::not_granted:
      return "the node asks for it, this server does not know it";
    case Verdict::not_requested:
      return "the node does not ask for it";
    default:
      return "not yet judged";
  }
}

bool has_session_words(NodeState state) {
  return state == NodeState::up || state == NodeState::degraded || state == NodeState::unknown;
}

}  // namespace

std::string format_moment(WallTime time, WallTime now) {
  const std::string text = format_rfc3339(time);
  const std::string clock = text.substr(11, 5) + " UTC";
  return text.starts_with(format_rfc3339(now).substr(0, 10)) ? clock
                                                             : text.substr(0, 10) + ' ' + clock;
}

std::vector<std::string> cause_lines(const NodeStatus& node, WallTime now) {
  std::vector<std::string> lines;
  if (node.state == NodeState::up) return lines;
  constexpr std::size_t kMostLine = 400;
  const auto add = [&](const std::string& text) { lines.push_back(printable(text, kMostLine)); };
  if (has_session_words(node.state)) {
    for (const ForwardStatus& forward : node.forwards) {
      if (is_good(forward.verdict)) continue;
      add(forward.name + ": " + fault_text(forward) + " since " +
          format_moment(forward.since, now) + detail(forward));
    }
  }
  if (node.conflict && has_session_words(node.state)) {
    add("conflict: another machine uses this node's identity, from " +
        node.conflict->client_address + ", last at " +
        format_moment(node.conflict->last_seen, now));
  }
  // What no forward tells: the session's end, a broken file.
  const bool is_told = !lines.empty() && node.reason.find(".json: ") == std::string::npos;
  if (!is_told && !node.reason.empty()) add(node.reason);
  if (node.unwritten_since) {
    add("the server's disk has taken no status since " + format_moment(*node.unwritten_since, now));
  }
  return lines;
}

}  // namespace reversi::server

#include "server/core/status_text.h"

#include <algorithm>
#include <string_view>

namespace reversi::server {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kNameWidth = 22;
constexpr std::size_t kThirdWidth = 12;
constexpr std::size_t kStateWidth = 13;  // the longest verdict, not_requested

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// How many columns a text takes, where each character takes one.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !is_continuation(c); }));
}

/// At most `width` columns; "…" where something is missing.
std::string clip(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (!is_continuation(text[end]) && ++seen == width) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string cell(std::string_view text, std::size_t width) {
  std::string out = clip(text, width);
  out.append(width - std::min(width, columns(out)) + 2, ' ');
  return out;
}

std::string line(std::string text) {
  text = clip(text, kWidth);
  while (text.ends_with(' ')) text.pop_back();
  return text + '\n';
}

/// A name must be readable whole: one that is too long for its column has a line of its own. So has a
/// note, as far as it fits.
std::string row(const std::string& name, std::string_view state, std::string_view third,
                const std::string& note) {
  const bool is_long = columns(name) > kNameWidth;
  const std::string start =
      cell(is_long ? "" : name, kNameWidth) + cell(state, kStateWidth) + cell(third, kThirdWidth);
  const bool fits = columns(start) + columns(note) <= kWidth;
  return (is_long ? line(name) : "") + line(start + (fits ? note : "")) +
         (fits ? "" : line("    " + note));
}

std::string_view port_of(std::string_view listen) {
  const std::size_t colon = listen.rfind(':');
  return colon == std::string_view::npos ? listen : listen.substr(colon + 1);
}

std::string node_line(const NodeStatus& node, WallTime now) {
  const std::string age =
      node.since ? format_duration(std::max(now - *node.since, Millis{0})) : std::string("-");
  return row(printable(node.node), node_state_name(node.state), age, printable(node.reason));
}

std::string forward_line(const ForwardStatus& forward) {
  std::string note = printable(forward.reason);
  if (note.empty() && forward.latency) note = std::to_string(forward.latency->count()) + " ms";
  // The node chose these two, unless the server knows the forward.
  return row("  " + printable(forward.name), verdict_name(forward.verdict),
             printable(port_of(forward.listen)), note);
}

}  // namespace

std::string format_duration(Millis duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds < 60) {
    const auto tenths = duration.count() / 100;
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " s";
  }
  const auto two = [](std::int64_t large, const char* a, std::int64_t small, const char* b) {
    return std::to_string(large) + a + std::to_string(small) + b;
  };
  if (seconds < 3600) return two(seconds / 60, " min ", seconds % 60, " s");
  if (seconds < 86400) return two(seconds / 3600, " h ", seconds % 3600 / 60, " min");
  return two(seconds / 86400, " d ", seconds % 86400 / 3600, " h");
}

std::string status_text(const std::vector<NodeStatus>& nodes, WallTime now) {
  if (nodes.empty()) return "no nodes; register one with `reversi-server node add`\n";
  std::string text = line(cell("NODE", kNameWidth) + cell("STATE", kStateWidth) +
                          cell("SINCE/PORT", kThirdWidth) + "REASON");
  for (const NodeStatus& node : nodes) {
    text += node_line(node, now);
    for (const ForwardStatus& forward : node.forwards) text += forward_line(forward);
  }
  return text;
}

}  // namespace reversi::server

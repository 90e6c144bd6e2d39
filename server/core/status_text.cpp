#include "server/core/status_text.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "server/core/cause.h"
#include "server/core/duration_text.h"
#include "server/core/text_columns.h"

namespace reversi::server {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::size_t kIndent = 4;
// How wide a column may be: where all is narrow, and where there is room.
constexpr std::size_t kNameLeast = 16, kNameMost = 32;
constexpr std::size_t kAddressLeast = 15, kAddressMost = 39;  // IPv4, IPv6
constexpr std::size_t kForwardsWanted = 24;

enum Column { kName, kState, kSince, kSeen, kAddress, kForwards, kColumns };
constexpr std::array<std::string_view, kColumns> kTitles{"NODE", "STATE",   "SINCE",
                                                         "SEEN", "ADDRESS", "FORWARDS"};

/// One forward, "ssh 20001 healthy".
struct Piece {
  std::string start;  ///< name and port
  std::string_view verdict;
  Colour colour;

  [[nodiscard]] std::size_t width() const { return columns(start) + 1 + verdict.size(); }
};

struct Row {
  std::array<std::string, kColumns> cells;  ///< but for the forwards
  Colour colour = Colour::none;             ///< of the state
  std::vector<Piece> pieces;
  std::vector<std::string> causes;
};

using Widths = std::array<std::size_t, kColumns>;

Colour colour_of(NodeState state) {
  switch (state) {
    case NodeState::up:
      return Colour::green;
    case NodeState::degraded:
      return Colour::yellow;
    case NodeState::down:
      return Colour::red;
    case NodeState::unknown:
      return Colour::cyan;
    default:
      return Colour::faint;
  }
}

Colour colour_of(Verdict verdict) {
  if (is_good(verdict)) return Colour::none;
  return verdict == Verdict::unknown ? Colour::faint : Colour::yellow;
}

std::string age(const std::optional<WallTime>& since, WallTime now) {
  return since ? format_short_duration(now - *since) : "-";
}

Piece piece_of(const ForwardStatus& forward) {
  const std::size_t colon = forward.listen.rfind(':');
  const std::string port =
      colon == std::string::npos ? forward.listen : forward.listen.substr(colon + 1);
  // The node chose these two, unless the server knows the forward.
  return {printable(forward.name, 40) + ' ' + printable(port, 12), verdict_name(forward.verdict),
          colour_of(forward.verdict)};
}

Row row_of(const NodeStatus& node, WallTime now) {
  Row row;
  row.cells = {printable(node.node),
               std::string(node_state_name(node.state)),
               age(node.since, now),
               age(node.last_seen, now),
               node.session ? printable(node.session->client_address, 60) : "-",
               {}};
  row.colour = colour_of(node.state);
  for (const ForwardStatus& forward : node.forwards) row.pieces.push_back(piece_of(forward));
  row.causes = cause_lines(node, now);
  return row;
}

std::size_t width_of(const std::vector<Piece>& pieces) {
  std::size_t width = 0;
  for (const Piece& piece : pieces) width += piece.width() + (width == 0 ? 0 : 2);
  return width;
}

/// Every column as wide as its widest cell, as far as there is room; the forwards get the rest.
Widths choose_widths(const std::vector<Row>& rows, std::size_t width) {
  Widths widths{};
  for (std::size_t i = 0; i < kColumns; ++i) widths[i] = kTitles[i].size();
  // What is too wide for any column has a line of its own, and needs none here.
  constexpr std::array<std::size_t, kForwards> kMost{kNameMost, 10, 7, 7, kAddressMost};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kForwards; ++i) {
      const std::size_t size = columns(row.cells[i]);
      if (size <= kMost[i]) widths[i] = std::max(widths[i], size);
    }
  }
  const std::size_t name = widths[kName];
  const std::size_t address = widths[kAddress];
  widths[kName] = std::min(name, kNameLeast);
  widths[kAddress] = std::min(address, kAddressLeast);
  std::size_t taken = kGap.size() * (kColumns - 1);
  for (std::size_t i = 0; i < kForwards; ++i) taken += widths[i];
  std::size_t left = width - taken;
  const auto grow = [&](Column column, std::size_t wanted) {
    const std::size_t spare = left - std::min(left, kForwardsWanted);
    const std::size_t more = std::min(wanted - widths[column], spare);
    widths[column] += more;
    left -= more;
  };
  grow(kName, name);
  grow(kAddress, address);
  widths[kForwards] = left;
  return widths;
}

std::string end_line(std::string text) {
  while (text.ends_with(' ')) text.pop_back();
  return text + '\n';
}

std::string indented(const std::string& text, std::size_t width) {
  return end_line(std::string(kIndent, ' ') + clip(text, width - kIndent));
}

/// The forwards one after the other, in as many lines as it takes.
std::string wrapped(const std::vector<Piece>& pieces, std::size_t width, bool has_colour) {
  std::string text;
  std::size_t at = 0;
  for (const Piece& piece : pieces) {
    const std::size_t room = width - kIndent - piece.verdict.size() - 2;
    const std::string start = clip(piece.start, room);
    const std::size_t size = columns(start) + 1 + piece.verdict.size();
    if (at != 0 && at + 2 + size + 1 > width) {
      text += ",\n";
      at = 0;
    }
    text += at == 0 ? std::string(kIndent, ' ') : ", ";
    at += (at == 0 ? kIndent : 2) + size;
    text += start + ' ' + paint(piece.verdict, piece.colour, has_colour);
  }
  return text + '\n';
}

std::string in_one(const std::vector<Piece>& pieces, bool has_colour) {
  std::string text;
  for (const Piece& piece : pieces) {
    text += (text.empty() ? "" : ", ") + piece.start + ' ' +
            paint(piece.verdict, piece.colour, has_colour);
  }
  return text;
}

std::string title_line(const Widths& widths) {
  std::string text;
  for (std::size_t i = 0; i < kColumns; ++i) text += pad(kTitles[i], widths[i]) + std::string(kGap);
  return end_line(text);
}

/// A name must be readable whole, and so must an address: what is too long for its column has a
/// line of its own.
std::string row_text(const Row& row, const Widths& widths, const TableStyle& style) {
  const auto fits = [&](Column column) { return columns(row.cells[column]) <= widths[column]; };
  std::string text = fits(kName) ? "" : clip(row.cells[kName], style.width) + '\n';
  std::string line;
  for (std::size_t i = 0; i < kForwards; ++i) {
    const auto column = static_cast<Column>(i);
    const std::string cell = pad(fits(column) ? row.cells[i] : "", widths[i]);
    const std::size_t word = column == kState ? row.cells[i].size() : 0;
    line += paint(cell.substr(0, word), word == 0 ? Colour::none : row.colour, style.has_colour) +
            cell.substr(word) + std::string(kGap);
  }
  const bool is_inline = width_of(row.pieces) <= widths[kForwards];
  text += end_line(line + (is_inline ? in_one(row.pieces, style.has_colour) : ""));
  if (!fits(kAddress)) text += indented("from " + row.cells[kAddress], style.width);
  if (!is_inline) text += wrapped(row.pieces, style.width, style.has_colour);
  for (const std::string& cause : row.causes) text += indented(cause, style.width);
  return text;
}

}  // namespace

std::string status_text(const std::vector<NodeStatus>& nodes, WallTime now,
                        const TableStyle& wanted) {
  const TableStyle style{std::max(wanted.width, kLeastWidth), wanted.has_colour};
  std::vector<Row> rows;
  for (const NodeStatus& node : nodes) rows.push_back(row_of(node, now));
  const Widths widths = choose_widths(rows, style.width);
  std::string text = title_line(widths);
  for (const Row& row : rows) text += row_text(row, widths, style);
  return text;
}

}  // namespace reversi::server

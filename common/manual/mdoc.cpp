#include "common/manual/mdoc.h"

#include <cstdint>
#include <cstdio>

namespace reversi::manual {
namespace {

/// The code point that begins here and its length in bytes; the project's own text is good UTF-8.
std::uint32_t code_point(std::string_view text, std::size_t& bytes) {
  const auto byte = [&](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const std::uint32_t first = byte(0);
  bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (bytes == 1) return first;
  std::uint32_t point = first & (0x7fU >> bytes);
  for (std::size_t at = 1; at < bytes; ++at) point = (point << 6) | (byte(at) & 0x3fU);
  return point;
}

std::string escaped(std::string_view text, std::string_view hyphen) {
  std::string out;
  bool line_begins = true;
  while (!text.empty()) {
    std::size_t bytes = 1;
    const std::uint32_t point = code_point(text, bytes);
    if (line_begins && (point == '.' || point == '\'')) out += "\\&";
    line_begins = point == '\n';
    if (point == '\\') {
      out += "\\e";
    } else if (point == '-') {
      out += hyphen;
    } else if (point < 0x80) {
      out += static_cast<char>(point);
    } else {
      char name[16];
      std::snprintf(name, sizeof name, "\\[u%04X]", static_cast<unsigned>(point));
      out += name;
    }
    text.remove_prefix(bytes);
  }
  return out;
}

}  // namespace

std::string prose(std::string_view text) {
  // A sentence begins on a line of its own, so that the formatter sees its end.
  std::string lines;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool ends = at > 0 && text[at] == ' ' && text[at - 1] == '.';
    lines += ends ? '\n' : text[at];
  }
  return escaped(lines, "-");
}

std::string typed(std::string_view text) {
  return escaped(text, "\\-");
}

std::string argument(std::string_view text) {
  std::string quoted;
  for (const char c : typed(text)) quoted += c == '"' ? std::string("\\(dq") : std::string(1, c);
  const bool bare = quoted.find_first_of(" \t|()[]{}.,:;?!<>") == std::string::npos;
  return bare ? quoted : '"' + quoted + '"';
}

std::string literal_block(std::string_view text) {
  return ".Bd -literal -offset indent\n" + typed(text) + "\n.Ed\n";
}

}  // namespace reversi::manual

#include "common/core/error.h"

#include <cstddef>

namespace reversi {
namespace {

/// Bytes in the UTF-8 sequence that starts at `at` (RFC 3629), or 0 when there is no valid one.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(at + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool beyond = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return overlong || beyond ? 0 : length;
}

/// Marks that change the direction of what follows or have no width (Unicode, "bidirectional" and
/// "zero width"): a name made of them looks like another one.
bool is_invisible(std::string_view sequence) {
  if (sequence.size() != 3) return false;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (byte(0) == 0xEF) return byte(1) == 0xBB && byte(2) == 0xBF;  // U+FEFF
  if (byte(0) != 0xE2) return false;
  const bool is_mark = byte(1) == 0x80 && ((byte(2) >= 0x8B && byte(2) <= 0x8F) ||  // U+200B to F
                                           (byte(2) >= 0xA8 && byte(2) <= 0xAE));   // U+2028 to E
  return is_mark || (byte(1) == 0x81 && byte(2) >= 0xA0 && byte(2) <= 0xAF);        // U+2060 to F
}

}  // namespace

std::string Error::line() const {
  std::string text;
  for (auto step = doing_.rbegin(); step != doing_.rend(); ++step) text += *step + ": ";
  text += what_;
  return printable(text, 1000);
}

std::string printable(std::string_view text, std::size_t limit) {
  constexpr std::string_view kMore = "…";
  std::string out;
  std::size_t cut = 0;  // the longest part that leaves room for kMore
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const auto lead = static_cast<unsigned char>(text[at]);
    const bool control = lead < 0x20 || lead == 0x7F ||
                         (lead == 0xC2 && length == 2 &&
                          static_cast<unsigned char>(text[at + 1]) < 0xA0);  // C1 controls
    if (out.size() + (length == 0 ? 1 : length) > limit) {
      out.resize(cut);
      return limit < kMore.size() ? out : out.append(kMore);
    }
    if (length == 0 || control || is_invisible(text.substr(at, length))) {
      out += '?';
    } else {
      out += text.substr(at, length);
    }
    at += length == 0 ? 1 : length;
    if (out.size() + kMore.size() <= limit) cut = out.size();
  }
  return out;
}

}  // namespace reversi

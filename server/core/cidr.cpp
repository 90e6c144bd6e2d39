#include "server/core/cidr.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

namespace reversi::server {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::optional<unsigned> number(std::string_view text, int base, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (text.empty() || !whole || value > most) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<Bytes> parse_ipv4(std::string_view text) {
  const auto parts = split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  Bytes bytes;
  for (const std::string_view part : parts) {
    const auto value = number(part, 10, 255);
    if (!value || (part.size() > 1 && part.front() == '0')) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(*value));
  }
  return bytes;
}

std::optional<Bytes> parse_groups(std::string_view text) {
  Bytes bytes;
  if (text.empty()) return bytes;
  for (const std::string_view part : split(text, ':')) {
    const auto value = number(part, 16, 0xFFFF);
    if (!value || part.size() > 4) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(*value >> 8));
    bytes.push_back(static_cast<std::uint8_t>(*value & 0xFF));
  }
  return bytes;
}

std::optional<Bytes> parse_ipv6(std::string_view text) {
  constexpr std::size_t kSize = 16;
  const std::size_t gap = text.find("::");
  auto bytes = parse_groups(text.substr(0, gap));
  if (!bytes) return std::nullopt;
  if (gap == std::string_view::npos) return bytes->size() == kSize ? bytes : std::nullopt;
  const auto tail = parse_groups(text.substr(gap + 2));
  if (!tail || bytes->size() + tail->size() >= kSize) return std::nullopt;
  bytes->resize(kSize - tail->size());
  bytes->insert(bytes->end(), tail->begin(), tail->end());
  return bytes;
}

bool has_host_bits(const Bytes& address, unsigned prefix) {
  for (std::size_t bit = prefix; bit < address.size() * 8; ++bit) {
    if ((address[bit / 8] >> (7 - bit % 8) & 1) != 0) return true;
  }
  return false;
}

std::optional<Bytes> parse_address_bytes(std::string_view text) {
  auto address = parse_ipv4(text);
  return address ? address : parse_ipv6(text);
}

bool is_in_range(const Bytes& address, std::string_view range) {
  const std::size_t slash = range.find('/');
  const auto first = parse_address_bytes(range.substr(0, slash));
  if (!first || first->size() != address.size()) return false;
  std::size_t bits = address.size() * 8;
  if (slash != std::string_view::npos) {
    bits = number(range.substr(slash + 1), 10, static_cast<unsigned>(bits)).value_or(bits);
  }
  for (std::size_t bit = 0; bit < bits; ++bit) {
    const auto differ = static_cast<unsigned>(address[bit / 8] ^ (*first)[bit / 8]);
    if ((differ >> (7 - bit % 8) & 1U) != 0) return false;
  }
  return true;
}

}  // namespace

std::optional<bool> is_in_ranges(std::string_view address, const std::vector<std::string>& ranges) {
  const auto bytes = parse_address_bytes(address);
  if (!bytes) return std::nullopt;
  return std::ranges::any_of(ranges,
                             [&](const std::string& range) { return is_in_range(*bytes, range); });
}

Result<std::string> parse_cidr(std::string_view text) {
  const auto bad = [&](const std::string& why) {
    return fail(Errc::config, "range \"" + printable(text, 60) + "\" " + why);
  };
  const std::size_t slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  const auto address = parse_address_bytes(address_text);
  if (!address) return bad("is not an address or a range like 192.0.2.0/24 or 2001:db8::/32");
  const auto most = static_cast<unsigned>(address->size() * 8);
  if (slash != std::string_view::npos) {
    const auto prefix = number(text.substr(slash + 1), 10, most);
    if (!prefix)
      return bad("needs a number from 0 to " + std::to_string(most) + " after the \"/\"");
    if (has_host_bits(*address, *prefix)) {
      return bad("has bits set after the first " + std::to_string(*prefix) +
                 "; write the first address of the range");
    }
  }
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

}  // namespace reversi::server

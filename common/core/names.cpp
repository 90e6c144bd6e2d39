#include "common/core/names.h"

#include <algorithm>
#include <charconv>

namespace reversi {
namespace {

constexpr std::size_t kLongestNode = 63;
constexpr std::size_t kLongestForward = 31;
constexpr std::size_t kLongestHost = 253;  // RFC 1035, without the final dot
constexpr std::size_t kLongestUnixPath = 107;

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_char(char c) {
  return is_lower(c) || is_digit(c) || c == '-';
}
bool is_host_char(char c) {
  return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
}
bool is_bracketed_char(char c) {
  return is_host_char(c) || c == ':' || c == '%';
}

std::string quoted(std::string_view text) {
  return '"' + printable(text, 80) + '"';
}

}  // namespace

Result<NodeName> NodeName::parse(std::string_view text) {
  const bool good = !text.empty() && text.size() <= kLongestNode && text.front() != '-' &&
                    text.back() != '-' && std::ranges::all_of(text, is_name_char);
  if (good) return NodeName{std::string(text)};
  return fail(Errc::config, "node name " + quoted(text) +
                                " is not 1 to 63 lower-case letters, digits and inner hyphens");
}

Result<ForwardName> ForwardName::parse(std::string_view text) {
  const bool good = !text.empty() && text.size() <= kLongestForward && is_lower(text.front()) &&
                    std::ranges::all_of(text, is_name_char);
  if (good) return ForwardName{std::string(text)};
  return fail(Errc::config,
              "forward name " + quoted(text) +
                  " is not a lower-case letter and up to 30 letters, digits, hyphens");
}

Result<Port> parse_port(std::string_view text) {
  Port port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (whole && port != 0 && text.front() != '0') return port;
  return fail(Errc::config, "port " + quoted(text) + " is not a number from 1 to 65535");
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto bad = [&] {
    return fail(Errc::config, quoted(text) + " is not host:port or [v6]:port");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool good = !host.empty() && host.size() <= kLongestHost && host.front() != '-' &&
                    std::ranges::all_of(host, bracketed ? is_bracketed_char : is_host_char);
  if (!good) return bad();
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return fail(port.error());
  return Endpoint{std::string(host), *port};
}

std::string format_endpoint(const Endpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? '[' + endpoint.host + ']' : endpoint.host) + ':' + std::to_string(endpoint.port);
}

Result<Target> parse_target(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (!text.starts_with(kUnix)) {
    return parse_endpoint(text)
        .map([](Endpoint e) { return Target{std::move(e)}; })
        .map_error([&](const Error&) {
          return Error{Errc::config,
                       "target " + quoted(text) + " is not host:port, [v6]:port or unix:/path"};
        });
  }
  const std::string_view path = text.substr(kUnix.size());
  const bool good = path.starts_with('/') && path.size() <= kLongestUnixPath &&
                    path.find('\0') == std::string_view::npos;
  if (good) return Target{UnixPath{std::string(path)}};
  return fail(Errc::config,
              "target " + quoted(text) + " is not unix: and an absolute path of at most 107 bytes");
}

std::string format_target(const Target& target) {
  if (const auto* endpoint = std::get_if<Endpoint>(&target)) return format_endpoint(*endpoint);
  return "unix:" + std::get<UnixPath>(target).path;
}

}  // namespace reversi

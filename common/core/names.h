#pragma once
// The names that users and peers write: nodes, forwards, ports, listens, targets. Every one is
// parsed before it is used; nothing unparsed reaches a path, a command line or a socket.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "common/core/error.h"

namespace reversi {

/// A node's name: `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`, one DNS label in lower case. It is also a
/// directory name on the server, so no other spelling is ever accepted.
class NodeName {
 public:
  [[nodiscard]] static Result<NodeName> parse(std::string_view text);
  [[nodiscard]] const std::string& text() const { return text_; }
  friend auto operator<=>(const NodeName&, const NodeName&) = default;

 private:
  explicit NodeName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// The name of one forward of a node: `[a-z][a-z0-9-]{0,30}`.
class ForwardName {
 public:
  [[nodiscard]] static Result<ForwardName> parse(std::string_view text);
  [[nodiscard]] const std::string& text() const { return text_; }
  friend auto operator<=>(const ForwardName&, const ForwardName&) = default;

 private:
  explicit ForwardName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

using Port = std::uint16_t;
inline constexpr Port kSshPort = 22;

/// 1–65535 in decimal, no sign, no space, no leading zero.
[[nodiscard]] Result<Port> parse_port(std::string_view text);

/// A host (name, IPv4 or IPv6 without brackets) and a port.
struct Endpoint {
  std::string host;
  Port port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// "host:port" or "[v6]:port". A host is 1–253 characters of letters, digits, ".-_" (and ":%" in
/// brackets).
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);
/// The same spelling back; brackets where the host contains ":".
[[nodiscard]] std::string format_endpoint(const Endpoint& endpoint);

/// An absolute path of a unix-domain socket on the node; at most 107 bytes (sockaddr_un).
struct UnixPath {
  std::string path;
  friend auto operator<=>(const UnixPath&, const UnixPath&) = default;
};

/// The far end of a forward.
using Target = std::variant<Endpoint, UnixPath>;

/// "host:port", "[v6]:port" or "unix:/path".
[[nodiscard]] Result<Target> parse_target(std::string_view text);
[[nodiscard]] std::string format_target(const Target& target);

}  // namespace reversi

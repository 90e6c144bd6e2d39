#include "client/core/forward_spec.h"

#include <algorithm>
#include <vector>

namespace reversi::client {
namespace {

constexpr std::string_view kSsh = "ssh";
constexpr std::string_view kSshBanner = "SSH-2.0-";

Error not_a_forward(std::string_view text, const std::string& why) {
  return {Errc::config, '"' + printable(text, 120) + "\" is not [bind:]port:host:hostport" + why};
}

/// Cuts at the colons outside of brackets. A unix path is the rest, whatever is in it.
std::vector<std::string_view> split_fields(std::string_view text) {
  std::vector<std::string_view> fields;
  std::size_t begin = 0;
  bool is_inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[') is_inside = true;
    if (text[i] == ']') is_inside = false;
    if (text[i] == '/' && i == begin) break;
    if (text[i] != ':' || is_inside) continue;
    fields.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  fields.push_back(text.substr(begin));
  return fields;
}

std::string_view without_brackets(std::string_view text) {
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  return bracketed ? text.substr(1, text.size() - 2) : text;
}

/// host:hostport, or a unix path.
Result<Target> read_target(const std::vector<std::string_view>& fields, std::size_t first) {
  if (fields.size() == first + 1) return parse_target("unix:" + std::string(fields[first]));
  return parse_target(std::string(fields[first]) + ':' + std::string(fields[first + 1]));
}

Expect expected_of(std::string_view name) {
  Expect expect;
  if (name != kSsh) return expect;
  expect.kind = Expect::Kind::banner;
  expect.match = kSshBanner;
  return expect;
}

/// One colon outside of brackets, or "unix:": a target alone.
bool is_target_alone(std::string_view spec) {
  const auto fields = split_fields(spec);
  return spec.starts_with("unix:") || (fields.size() == 2 && !fields[1].starts_with('/'));
}

Result<ForwardConfig> read_spec(std::string_view spec) {
  ForwardConfig forward;
  if (is_target_alone(spec)) {
    return parse_target(spec).map([&](Target target) {
      forward.target = std::move(target);
      return forward;
    });
  }
  auto parsed = parse_openssh_forward(spec);
  if (!parsed) return fail(parsed.error());
  if (!is_loopback_bind(parsed->bind)) {
    return fail(Errc::config, "the server listens on its localhost only, not on \"" +
                                  printable(parsed->bind, 60) + "\"; leave the bind address out");
  }
  forward.target = std::move(parsed->target);
  forward.listen = Endpoint{"localhost", parsed->port};
  return forward;
}

}  // namespace

Result<OpensshForward> parse_openssh_forward(std::string_view text) {
  const auto fields = split_fields(text);
  const bool to_path = fields.back().starts_with('/');
  const std::size_t target_fields = to_path ? 1 : 2;
  if (fields.size() < target_fields + 1 || fields.size() > target_fields + 2) {
    return fail(not_a_forward(text, " or [bind:]port:/path"));
  }
  const bool has_bind = fields.size() == target_fields + 2;
  const std::size_t port_at = has_bind ? 1 : 0;
  OpensshForward forward;
  if (has_bind) {
    const std::string_view bind = without_brackets(fields[0]);
    // The host's rules are those of an endpoint; "*" and an empty one are ssh's own.
    const bool is_address =
        bind.empty() || bind == "*" || parse_endpoint('[' + std::string(bind) + "]:1").has_value();
    if (!is_address) return fail(not_a_forward(text, ": the bind address cannot be"));
    forward.bind = fields[0].empty() ? "*" : std::string(bind);
  }
  const auto port = parse_port(fields[port_at]);
  if (!port) return fail(not_a_forward(text, ": " + port.error().line()));
  auto target = read_target(fields, port_at + 1);
  if (!target) return fail(not_a_forward(text, ": " + target.error().line()));
  forward.port = *port;
  forward.target = *std::move(target);
  return forward;
}

bool is_loopback_bind(std::string_view bind) {
  return bind.empty() || bind == "localhost" || bind == "127.0.0.1" || bind == "::1";
}

Result<ForwardConfig> parse_named_forward(std::string_view text) {
  const auto bad = [&](const std::string& why) {
    return fail(Errc::usage, "--forward " + printable(text, 120) + ": " + why);
  };
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return bad("expected NAME=HOST:PORT or NAME=[bind:]port:host:hostport");
  }
  const auto name = ForwardName::parse(text.substr(0, equals));
  if (!name) return bad(name.error().line());
  auto forward = read_spec(text.substr(equals + 1));
  if (!forward) return bad(forward.error().line());
  forward->name = name->text();
  forward->expect = expected_of(forward->name);
  return forward;
}

ForwardConfig default_forward() {
  return {std::string(kSsh), Endpoint{"127.0.0.1", 22}, std::nullopt, expected_of(kSsh)};
}

}  // namespace reversi::client

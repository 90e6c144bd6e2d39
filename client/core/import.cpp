#include "client/core/import.h"

#include <algorithm>
#include <array>
#include <set>

#include <nlohmann/json.hpp>

#include "client/core/client_config.h"
#include "common/core/expect.h"
#include "common/core/json_fields.h"

namespace reversi::client {
namespace {

constexpr std::size_t kMostNodeBytes = 63;
constexpr std::size_t kMostNoteBytes = 300;
constexpr std::string_view kEverywhere = "0.0.0.0";

struct Known {
  Port port;
  std::string_view name;
};
constexpr std::array<Known, 9> kServices{{{22, "ssh"},
                                          {23, "telnet"},
                                          {80, "http"},
                                          {443, "https"},
                                          {502, "modbus"},
                                          {554, "rtsp"},
                                          {1883, "mqtt"},
                                          {3389, "rdp"},
                                          {5900, "vnc"}}};

/// A name for people, by what stands at the target.
std::string name_of(const Target& target, std::set<std::string>& taken) {
  std::string name = "socket";
  if (const auto* endpoint = std::get_if<Endpoint>(&target)) {
    const auto* known = std::ranges::find(kServices, endpoint->port, &Known::port);
    name = known != kServices.end() ? std::string(known->name)
                                    : "port-" + std::to_string(endpoint->port);
  }
  std::string unique = name;
  for (int i = 2; !taken.insert(unique).second; ++i) unique = name + '-' + std::to_string(i);
  return unique;
}

Expect expect_of(const ImportedForward& forward) {
  Expect expect;
  const auto* endpoint = std::get_if<Endpoint>(&forward.target);
  const bool is_ssh = endpoint != nullptr && endpoint->port == 22;
  if (forward.banner.empty() && !is_ssh) return expect;
  expect.kind = Expect::Kind::banner;
  expect.match = forward.banner.empty() ? "SSH-2.0-" : forward.banner;
  return expect;
}

/// The usual one, unless a target stands there.
Port canary_port(const Import& import) {
  Port port = 19'922;
  const auto is_taken = [&](const ImportedForward& forward) {
    const auto* target = std::get_if<Endpoint>(&forward.target);
    return target != nullptr && target->port == port;
  };
  while (std::ranges::any_of(import.forwards, is_taken)) ++port;
  return port;
}

std::string json_string(const std::string& text) {
  return json_line(Json(text));
}

/// Splits at colons that stand in no brackets, and takes the brackets away.
Result<std::vector<std::string>> split_colons(std::string_view text) {
  std::vector<std::string> parts(1);
  bool is_inside = false;
  for (const char c : text) {
    if (c == '[' && parts.back().empty() && !is_inside) {
      is_inside = true;
    } else if (c == ']' && is_inside) {
      is_inside = false;
    } else if (c == ':' && !is_inside) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (is_inside) return fail(Errc::usage, "a bracket is not closed");
  return parts;
}

Result<Target> target_of(const std::string& host, const std::string& port) {
  const bool is_v6 = host.find(':') != std::string::npos;
  return parse_target((is_v6 ? '[' + host + ']' : host) + ':' + port);
}

}  // namespace

Result<Endpoint> listen_of(const std::optional<std::string>& bind, std::string_view port) {
  auto number = parse_port(port);
  if (!number) {
    return fail(Errc::usage,
                port == "0" ? "port 0 (\"any port\") has no equivalent" : number.error().line());
  }
  if (!bind) return Endpoint{"localhost", *number};
  if (bind->empty() || *bind == "*") return Endpoint{std::string(kEverywhere), *number};
  Endpoint listen{*bind, *number};
  return parse_endpoint(format_endpoint(listen)).map_error([](const Error& error) {
    return Error{Errc::usage, error.line()};
  });
}

Result<ImportedForward> parse_remote_forward(std::string_view text) {
  const auto bad = [&](const std::string& why) {
    return fail(Errc::usage, "\"" + printable(text, 100) + "\": " + why);
  };
  if (text.starts_with('/')) return bad("a unix socket on the server has no equivalent");
  const auto parts = split_colons(text);
  if (!parts) return bad(parts.error().line());
  // The path of a socket on the node may hold colons of its own.
  const std::size_t slash = text.find(":/");
  if (slash != std::string_view::npos) {
    const auto before = split_colons(text.substr(0, slash));
    if (!before || before->size() > 2) return bad("expected [ADDRESS:]PORT:/SOCKET");
    const bool has_bind = before->size() == 2;
    auto listen =
        listen_of(has_bind ? std::optional(before->front()) : std::nullopt, before->back());
    if (!listen) return bad(listen.error().line());
    auto target = parse_target("unix:" + std::string(text.substr(slash + 1)));
    if (!target) return bad(target.error().line());
    return ImportedForward{*std::move(listen), *std::move(target), {}};
  }
  const std::size_t count = parts->size();
  if (count < 3) return bad("a SOCKS proxy on the server has no equivalent");
  if (count > 4) return bad("expected [ADDRESS:]PORT:HOST:HOSTPORT; IPv6 stands in brackets");
  auto listen =
      listen_of(count == 4 ? std::optional(parts->front()) : std::nullopt, (*parts)[count - 3]);
  if (!listen) return bad(listen.error().line());
  auto target = target_of((*parts)[count - 2], (*parts)[count - 1]);
  if (!target) return bad(target.error().line());
  return ImportedForward{*std::move(listen), *std::move(target), {}};
}

std::string absolute_path(const std::string& path, const ImportContext& context) {
  if (path.starts_with('/')) return path;
  if (path.starts_with("~/")) return context.home + path.substr(1);
  return context.directory + '/' + path;
}

std::string as_node_name(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, text.find('.'))) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name += is_upper ? static_cast<char>(c - 'A' + 'a') : is_plain ? c : '-';
  }
  name.resize(std::min(name.size(), kMostNodeBytes));
  while (name.starts_with('-')) name.erase(0, 1);
  while (name.ends_with('-')) name.pop_back();
  return name;
}

Result<std::string> import_text(const Import& import) {
  std::string text =
      "// Made by `reversi-client import " + import.source +
      "`. It works with any sshd (\"agent\": false). Once the server has reversi-server and\n"
      "// knows this node, take out \"agent\", \"canary\" and each \"listen\".\n";
  if (!import.notes.empty()) text += "// What has no equivalent, or was decided for you:\n";
  for (const std::string& note : import.notes) {
    text += "//   " + printable(note, kMostNoteBytes) + '\n';
  }
  std::set<std::string> taken;
  std::string forwards;
  std::string first;
  for (const ImportedForward& forward : import.forwards) {
    const std::string name = name_of(forward.target, taken);
    if (first.empty()) first = name;
    forwards += (forwards.empty() ? "" : ",\n") + std::string("    {\"name\": ") +
                json_string(name) +
                ", \"listen\": " + json_string(format_endpoint(forward.listen)) +
                ", \"target\": " + json_string(format_target(forward.target)) +
                ",\n     \"expect\": " + json_line(expect_to_json(expect_of(forward))) + "}";
  }
  text += "{\n  \"node\": " + json_string(import.node) +
          ",\n  \"agent\": false,\n  \"servers\": [{\"host\": " + json_string(import.host) +
          ", \"port\": " + std::to_string(import.port) + ", \"user\": " + json_string(import.user) +
          "}],\n  \"identity_file\": " + json_string(import.identity) +
          ",\n  \"known_hosts_file\": " + json_string(import.known_hosts) +
          ",\n  \"forwards\": [\n" + forwards +
          "\n  ],\n  \"canary\": {\"listen\": \"127.0.0.1:" + std::to_string(canary_port(import)) +
          "\", \"forward\": " + json_string(first) + "}\n}\n";
  const auto config = parse_client_config(text, "/");
  if (config) return text;
  return fail(Error(config.error()).in("cannot be taken over"));
}

}  // namespace reversi::client

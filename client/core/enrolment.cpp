#include "client/core/enrolment.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"

namespace reversi::client {
namespace {

constexpr std::size_t kLongestNode = 63;
constexpr std::size_t kLongestUser = 32;
constexpr std::string_view kFingerprint = "SHA256:";
constexpr std::size_t kFingerprintDigits = 43;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_login_name(std::string_view user) {
  return !user.empty() && user.size() <= kLongestUser && user.front() != '-' &&
         std::ranges::all_of(user, [](char c) {
           return is_letter_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
                  c == '.';
         });
}

std::string json_quoted(const std::string& text) {
  return json_line(Json(text));
}

std::string forward_line(const ForwardConfig& forward) {
  std::string line = "    {\"name\": " + json_quoted(forward.name) +
                     ", \"target\": " + json_quoted(format_target(forward.target));
  if (forward.listen) line += ", \"listen\": " + json_quoted(format_endpoint(*forward.listen));
  if (forward.expect) line += ", \"expect\": " + json_line(expect_to_json(*forward.expect));
  return line + '}';
}

}  // namespace

Result<ServerConfig> parse_login(std::string_view text) {
  const auto bad = [&] {
    return fail(Errc::usage, '"' + printable(text, 120) +
                                 "\" is not USER@HOST, USER@HOST:PORT or USER@[V6]:PORT");
  };
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || !is_login_name(text.substr(0, at))) return bad();
  std::string host(text.substr(at + 1));
  const auto colons = std::ranges::count(host, ':');
  if (colons > 1 && !host.starts_with('[')) host = '[' + host + ']';
  if (colons == 0 || host.ends_with(']')) host += ":22";
  auto endpoint = parse_endpoint(host);
  if (!endpoint) return bad();
  return ServerConfig{*std::move(endpoint), std::string(text.substr(0, at))};
}

std::string node_name_from(std::string_view host_name) {
  std::string name(host_name.substr(0, host_name.find('.')));
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!is_letter_or_digit(c)) c = '-';
  }
  name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
  name.resize(std::min(name.size(), kLongestNode));
  while (name.ends_with('-')) name.pop_back();
  return name;
}

bool is_fingerprint(std::string_view text) {
  return text.size() == kFingerprint.size() + kFingerprintDigits &&
         text.starts_with(kFingerprint) &&
         std::ranges::all_of(text.substr(kFingerprint.size()), [](char c) {
           return is_letter_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '+' || c == '/';
         });
}

std::string enrolment_config(const Enrolment& enrolment) {
  const ServerConfig& server = enrolment.server;
  std::string forwards;
  for (const ForwardConfig& forward : enrolment.forwards) {
    forwards += (forwards.empty() ? "" : ",\n") + forward_line(forward);
  }
  return "{\n  \"node\": " + json_quoted(enrolment.node) +
         ",\n  \"servers\": [{\"host\": " + json_quoted(server.endpoint.host) +
         ", \"port\": " + std::to_string(server.endpoint.port) +
         ", \"user\": " + json_quoted(server.user) +
         "}],\n  \"identity_file\": " + json_quoted(enrolment.identity_file) +
         ",\n  \"known_hosts_file\": " + json_quoted(enrolment.known_hosts_file) +
         ",\n  \"forwards\": [\n" + forwards + "\n  ]\n}\n";
}

std::string approve_command(const Enrolment& enrolment, const std::string& fingerprint) {
  std::string command = "reversi-server node approve " + fingerprint + ' ' + enrolment.node;
  for (const ForwardConfig& forward : enrolment.forwards) {
    command += " --forward " + forward.name;
    if (forward.listen) command += '=' + std::to_string(forward.listen->port);
  }
  return command;
}

}  // namespace reversi::client

#include "server/core/client_kit.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"

namespace reversi::server {
namespace {

/// Where a service of this name listens as a rule.
struct Guess {
  std::string_view name;
  Port port;
};
constexpr std::array<Guess, 12> kGuesses{{
    {"ssh", 22},
    {"http", 80},
    {"web", 80},
    {"luci", 80},
    {"https", 443},
    {"smtp", 25},
    {"imap", 143},
    {"mqtt", 1883},
    {"modbus", 502},
    {"rtsp", 554},
    {"rdp", 3389},
    {"vnc", 5900},
}};

const Guess* guess(std::string_view name) {
  const auto* found = std::ranges::find(kGuesses, name, &Guess::name);
  return found == kGuesses.end() ? nullptr : found;
}

/// What to expect of a service that the admin said nothing about.
Expect likely_expect(const NodeForward& forward) {
  if (forward.expect) return *forward.expect;
  Expect expect;
  if (forward.name.text() != "ssh") return expect;
  expect.kind = Expect::Kind::banner;
  expect.match = "SSH-2.0-";
  return expect;
}

std::string json_string(const std::string& text) {
  return json_line(Json(text));
}

std::string forward_line(const NodeForward& forward) {
  const Guess* known = guess(forward.name.text());
  const Endpoint target{"127.0.0.1", known != nullptr ? known->port : Port{80}};
  return "    {\"name\": " + json_string(forward.name.text()) +
         ", \"target\": " + json_string(format_endpoint(target)) +
         ", \"expect\": " + json_line(expect_to_json(likely_expect(forward))) + "}";
}

}  // namespace

Result<Endpoint> parse_address(std::string_view text) {
  auto endpoint = parse_endpoint(text);
  const bool is_bare_v6 = std::ranges::count(text, ':') > 1 && !text.starts_with('[');
  if (endpoint && !is_bare_v6) return endpoint;
  const std::string host = is_bare_v6 ? '[' + std::string(text) + ']' : std::string(text);
  auto with_port = parse_endpoint(host + ':' + std::to_string(kSshPort));
  if (with_port) return with_port;
  return fail(Errc::usage,
              "--address \"" + printable(text, 80) + "\" is not HOST, HOST:PORT or [V6]:PORT");
}

std::string known_hosts_text(const ClientKit& kit) {
  const std::string host = kit.server.port == kSshPort
                               ? kit.server.host
                               : '[' + kit.server.host + "]:" + std::to_string(kit.server.port);
  std::string text;
  for (const PublicKey& key : kit.host_keys) text += host + ' ' + key.type + ' ' + key.blob + '\n';
  return text;
}

std::string client_config_text(const ClientKit& kit) {
  std::string forwards;
  for (std::size_t i = 0; i < kit.forwards.size(); ++i) {
    const NodeForward& forward = kit.forwards[i];
    if (guess(forward.name.text()) == nullptr) {
      forwards += "    // Change the target to where \"" + forward.name.text() +
                  "\" listens, as the node sees it.\n";
    }
    forwards += forward_line(forward) + (i + 1 < kit.forwards.size() ? ",\n" : "\n");
  }
  return "{\n  \"node\": " + json_string(kit.node.text()) +
         ",\n  \"servers\": [{\"host\": " + json_string(kit.server.host) +
         ", \"port\": " + std::to_string(kit.server.port) + ", \"user\": " + json_string(kit.user) +
         "}],\n  \"identity_file\": \"/etc/reversi/id_ed25519\",\n"
         "  \"known_hosts_file\": \"/etc/reversi/known_hosts\",\n  \"forwards\": [\n" +
         forwards + "  ]\n}\n";
}

std::string node_script(const ClientKit& kit) {
  // Neither text can hold a line END_OF_FILE: known_hosts lines have spaces, JSON lines their
  // quotes.
  const auto file = [](const std::string& path, const std::string& text) {
    return "cat > " + path + " <<'END_OF_FILE'\n" + text + "END_OF_FILE\n";
  };
  return "mkdir -p /etc/reversi\n" + file("/etc/reversi/known_hosts", known_hosts_text(kit)) +
         file("/etc/reversi/client.json", client_config_text(kit)) +
         "reversi-client check && reversi-client ensure\n";
}

}  // namespace reversi::server

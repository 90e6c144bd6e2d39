// The two configuration files that can be taken over: OpenWrt's sshtunnel, and the .rev of the scripts of 2018.

#include <algorithm>
#include <array>
#include <map>

#include "client/core/import.h"

namespace reversi::client {
namespace {

constexpr std::size_t kBannerBytes = 15;  // as far as the scripts looked

/// The lines without their ends, with their numbers from 1.
template <class Line>
Result<void> each_line(std::string_view text, Line line) {
  for (int number = 1; !text.empty(); ++number) {
    std::string_view it = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), it.size() + 1));
    while (it.ends_with('\r') || it.ends_with(' ') || it.ends_with('\t')) it.remove_suffix(1);
    while (it.starts_with(' ') || it.starts_with('\t')) it.remove_prefix(1);
    if (it.empty() || it.starts_with('#')) continue;
    if (auto ok = line(it); !ok) {
      return fail(Error(Errc::config, ok.error().line()).in("line " + std::to_string(number)));
    }
  }
  return {};
}

/// One word as uci has it: quotes of either kind, a backslash before any character.
Result<std::string> take_word(std::string_view& text) {
  const auto begin = text.find_first_not_of(" \t");
  text.remove_prefix(begin == std::string_view::npos ? text.size() : begin);
  std::string word;
  char quote = '\0';
  while (!text.empty()) {
    const char c = text.front();
    if (quote == '\0' && (c == ' ' || c == '\t')) break;
    text.remove_prefix(1);
    if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && !text.empty()) {
      word += text.front();
      text.remove_prefix(1);
    } else {
      word += c;
    }
  }
  if (quote != '\0') return fail(Errc::config, "a quote is not closed");
  return word;
}

struct Section {
  std::string type;
  std::string name;
  std::map<std::string, std::string, std::less<>> options;

  [[nodiscard]] std::string get(std::string_view key, const std::string& otherwise = {}) const {
    const auto found = options.find(key);
    return found == options.end() ? otherwise : found->second;
  }
};

Result<std::vector<Section>> parse_uci(std::string_view text) {
  std::vector<Section> sections;
  auto ok = each_line(text, [&](std::string_view line) -> Result<void> {
    std::array<std::string, 3> words;
    for (std::string& word : words) {
      auto taken = take_word(line);
      if (!taken) return fail(taken.error());
      word = *std::move(taken);
    }
    const auto& [keyword, key, value] = words;
    if (keyword == "package") return {};
    if (keyword == "config" && !key.empty()) {
      sections.push_back({key, value, {}});
      return {};
    }
    if ((keyword == "option" || keyword == "list") && !key.empty() && !sections.empty()) {
      sections.back().options[key] = value;
      return {};
    }
    return fail(Errc::config,
                "expected config, option or list, not \"" + printable(keyword, 40) + '"');
  });
  if (!ok) return fail(ok.error());
  return sections;
}

bool is_off(const std::string& text) {
  return text == "0" || text == "no" || text == "off" || text == "false" || text == "disabled";
}

/// Options of a server that reversi has no use for, and why.
struct Needless {
  std::string_view key;
  std::string_view why;
};
constexpr std::array kServerNotes{
    Needless{"retrydelay", "reversi waits 1, 2, 4 … 60 s"},
    Needless{"Compression", "compression has no equivalent"},
    Needless{"PKCS11Provider", "keys on a token have no equivalent"},
    Needless{"ProxyCommand", "the node must reach the server itself"},
    Needless{"VerifyHostKeyDNS", "the host key must stand in known_hosts_file"},
};

ImportedForward make_forward(Endpoint listen, Target target) {
  return {std::move(listen), std::move(target), {}};
}

Result<ImportedForward> forward_of(const Section& tunnel) {
  auto listen = listen_of(tunnel.get("remoteaddress", "*"), tunnel.get("remoteport"));
  if (!listen) return fail(Error(listen.error()).in("remoteport"));
  const std::string host = tunnel.get("localaddress", "127.0.0.1");
  const bool is_v6 = host.find(':') != std::string::npos;
  auto target = parse_target((is_v6 ? '[' + host + ']' : host) + ':' + tunnel.get("localport"));
  if (!target) return fail(Error(target.error()).in("localaddress, localport"));
  return make_forward(*std::move(listen), *std::move(target));
}

const Section* find_server(const std::vector<Section>& sections, const std::string& name) {
  const auto found = std::ranges::find_if(
      sections, [&](const Section& each) { return each.type == "server" && each.name == name; });
  return found == sections.end() ? nullptr : &*found;
}

bool is_tunnel(const Section& section) {
  return section.type == "tunnelR" && !is_off(section.get("enabled", "1"));
}

void note_server(const Section& server, Import& import) {
  for (const auto& [key, why] : kServerNotes) {
    const std::string value = server.get(key);
    if (!value.empty() && !is_off(value)) {
      import.notes.push_back(std::string(key) + ' ' + value + ": " + std::string(why));
    }
  }
  const std::string strict = server.get("StrictHostKeyChecking");
  if (!strict.empty() && strict != "yes") {
    import.notes.push_back("StrictHostKeyChecking " + strict +
                           ": the host key must stand in known_hosts_file; nothing is ever asked");
  }
}

void note_others(const std::vector<Section>& sections, const std::string& server, Import& import) {
  for (const Section& section : sections) {
    const std::string named = section.type + " \"" + section.name + "\": ";
    const std::string of = section.get("server");
    if (section.type == "tunnelR" && is_off(section.get("enabled", "1"))) {
      import.notes.push_back(named + "is not enabled");
    } else if (section.type == "tunnelR" && of != server) {
      import.notes.push_back(named + "is of server \"" + of +
                             "\", which needs a client.json of its own: --server " + of);
    } else if (section.type == "tunnelL" || section.type == "tunnelD" ||
               section.type == "tunnelW") {
      import.notes.push_back(named +
                             (section.type == "tunnelL"   ? "a forward from the node to the server"
                              : section.type == "tunnelD" ? "a SOCKS proxy"
                                                          : "a tun or tap device") +
                             " has no equivalent");
    }
  }
}

// ---- .rev ----------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 12> kRevKnown{
    "nodename", "reversiuser", "reversihost",   "reversisshport", "reversiport", "fwdhost",
    "fwdport",  "fwdportstr",  "reversisshkey", "allowinternet",  "cscreenname", "mscreenname"};
constexpr std::array<std::string_view, 7> kRevNeedless{
    "cretrysecs",      "mretrysecs",      "cbeforesecs",    "stuffsecs",
    "tuntemplatename", "montemplatename", "exetemplatename"};

bool is_note(std::string_view key) {
  return key.find("_FOR_") != std::string_view::npos ||
         std::ranges::none_of(key, [](char c) { return c >= 'a' && c <= 'z'; });
}

using RevValues = std::map<std::string, std::string, std::less<>>;

Result<RevValues> parse_rev(std::string_view text, Import& import) {
  RevValues values;
  auto ok = each_line(text, [&](std::string_view line) -> Result<void> {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return fail(Errc::config, "expected key:value");
    const std::string key(line.substr(0, colon));
    if (is_note(key)) return {};
    values[key] = std::string(line.substr(colon + 1));
    const bool is_known = std::ranges::find(kRevKnown, key) != kRevKnown.end();
    const bool is_needless = std::ranges::find(kRevNeedless, key) != kRevNeedless.end();
    if (is_known) return {};
    import.notes.push_back(
        key + ' ' + values[key] +
        (is_needless ? ": reversi waits and starts by rules of its own" : ": is not known"));
    return {};
  });
  if (!ok) return fail(ok.error());
  return values;
}

}  // namespace

Result<Import> import_sshtunnel(std::string_view text, const std::string& server,
                                const ImportContext& context) {
  const auto sections = parse_uci(text);
  if (!sections) return fail(sections.error());
  const auto first = std::ranges::find_if(*sections, is_tunnel);
  if (server.empty() && first == sections->end()) {
    return fail(Errc::not_found, "no tunnelR that is enabled: nothing to take over");
  }
  const std::string name = server.empty() ? first->get("server") : server;
  const Section* found = find_server(*sections, name);
  if (found == nullptr) {
    return fail(Errc::not_found, "there is no server \"" + printable(name, 60) + '"');
  }
  Import import;
  import.source = "sshtunnel";
  import.node = context.node;
  import.host = found->get("hostname");
  import.user = found->get("user", context.user);
  import.identity = absolute_path(found->get("IdentityFile", context.identity), context);
  import.known_hosts = absolute_path("~/.ssh/known_hosts", context);
  const auto port = parse_port(found->get("port", "22"));
  if (!port) return fail(Error(Errc::config, port.error().line()).in("server " + name + ": port"));
  import.port = *port;
  if (import.host.empty()) return fail(Errc::config, "server " + name + ": hostname is missing");
  for (const Section& section : *sections) {
    if (!is_tunnel(section) || section.get("server") != name) continue;
    auto forward = forward_of(section);
    if (!forward) {
      return fail(
          Error(Errc::config, forward.error().line()).in("tunnelR \"" + section.name + '"'));
    }
    import.forwards.push_back(*std::move(forward));
  }
  if (import.forwards.empty()) {
    return fail(Errc::not_found,
                "server " + printable(name, 60) + " has no tunnelR that is enabled");
  }
  note_server(*found, import);
  note_others(*sections, name, import);
  return import;
}

Result<Import> import_reversi(std::string_view text, const ImportContext& context) {
  Import import;
  import.source = "reversi";
  const auto values = parse_rev(text, import);
  if (!values) return fail(values.error());
  const auto get = [&](std::string_view key, const std::string& otherwise = {}) {
    const auto found = values->find(key);
    return found == values->end() || found->second.empty() ? otherwise : found->second;
  };
  import.node = as_node_name(get("nodename", context.node));
  if (import.node.empty()) import.node = context.node;
  if (import.node != get("nodename", import.node)) {
    import.notes.push_back("nodename " + get("nodename") + ": is written " + import.node + " here");
  }
  import.host = get("reversihost");
  import.user = get("reversiuser", context.user);
  import.identity = absolute_path(get("reversisshkey", context.identity), context);
  import.known_hosts = absolute_path("~/.ssh/known_hosts", context);
  if (import.host.empty()) return fail(Errc::config, "reversihost is missing");
  const auto port = parse_port(get("reversisshport", "22"));
  if (!port) return fail(Error(Errc::config, port.error().line()).in("reversisshport"));
  import.port = *port;
  const std::string open = get("allowinternet", "no");
  const bool is_open = !is_off(open) && open != "NULL" && open != "n" && open != "N";
  auto listen = listen_of(is_open ? "*" : "localhost", get("reversiport"));
  if (!listen) return fail(Error(Errc::config, listen.error().line()).in("reversiport"));
  auto target = parse_target(get("fwdhost", "127.0.0.1") + ':' + get("fwdport"));
  if (!target) return fail(Error(Errc::config, target.error().line()).in("fwdhost, fwdport"));
  if (is_open) {
    import.notes.push_back(
        "allowinternet: sshd must say GatewayPorts clientspecified for the port to be open to all");
  }
  import.notes.push_back(
      "the key of the old scripts was one for all nodes: give each its own with keygen");
  ImportedForward forward = make_forward(*std::move(listen), *std::move(target));
  const std::string banner = get("fwdportstr", "NULL");
  if (banner != "NULL") forward.banner = banner.substr(0, kBannerBytes);
  import.forwards.push_back(std::move(forward));
  return import;
}

}  // namespace reversi::client

// ssh's command line as ssh reads it: options in any place before the command, the first value of each counts.

#include <algorithm>
#include <array>

#include "client/core/import.h"

namespace reversi::client {
namespace {

/// ssh's getopt string, with autossh's -M and -V. A colon: takes a value.
constexpr std::string_view kOptions =
    "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:M:NO:P:Q:R:S:TVw:W:XYy";
/// How ssh runs, which is reversi's own matter now.
constexpr std::string_view kSilent = "fNnTqv";

struct Reason {
  char option;
  std::string_view why;
};
constexpr std::array kReasons{
    Reason{'L', "a forward from the node to the server has no equivalent"},
    Reason{'D', "a SOCKS proxy has no equivalent"},
    Reason{'w', "a tun device has no equivalent"},
    Reason{'W', "forwarding of standard input has no equivalent"},
    Reason{'J', "a jump host has no equivalent: the node must reach the server itself"},
    Reason{'F', "configuration files of ssh are not read: what stands there must be written here"},
    Reason{'C', "compression has no equivalent"},
    Reason{'g', "means nothing for -R; the address in front of the port says who may connect"},
    Reason{'4', "every address of the server is tried, of either family"},
    Reason{'6', "every address of the server is tried, of either family"},
    Reason{'M', "no monitoring port is needed: heartbeats and the canary watch the tunnel"},
    Reason{'E', "\"log\" says where the log goes"},
    Reason{'c', "ciphers are the library's choice"},
    Reason{'m', "MACs are the library's choice"},
    Reason{'A', "the agent of keys is never used"},
    Reason{'t', "there is no terminal"},
};

/// Keywords of -o that change nothing here, or that reversi does by itself.
constexpr std::array<std::string_view, 16> kNeedless{"batchmode",
                                                     "checkhostip",
                                                     "connectionattempts",
                                                     "connecttimeout",
                                                     "controlmaster",
                                                     "controlpath",
                                                     "controlpersist",
                                                     "exitonforwardfailure",
                                                     "identitiesonly",
                                                     "loglevel",
                                                     "passwordauthentication",
                                                     "requesttty",
                                                     "serveralivecountmax",
                                                     "serveraliveinterval",
                                                     "tcpkeepalive",
                                                     "preferredauthentications"};

class CommandLineReader {
 public:
  explicit CommandLineReader(const ImportContext& context) : context_(context) {
    import_.source = "autossh";
    import_.node = context.node;
  }

  Result<Import> read(const std::vector<std::string>& arguments) {
    if (auto ok = read_words(arguments); !ok) return fail(ok.error());
    note_environment();
    return finish();
  }

 private:
  using Words = std::vector<std::string>;

  Result<void> read_words(const Words& words) {
    std::size_t at = 0;
    const bool is_named = !words.empty() && (words[0].ends_with("autossh") || words[0] == "ssh" ||
                                             words[0].ends_with("/ssh"));
    if (is_named) ++at;
    while (at < words.size()) {
      const std::string& word = words[at++];
      if (word == "--") continue;
      if (word.size() > 1 && word.front() == '-') {
        if (auto ok = read_cluster(word, words, at); !ok) return ok;
      } else if (destination_.empty()) {
        destination_ = word;
        read_destination();
      } else {
        note("the command \"" + word + " …\": nothing is run on the server");
        return {};
      }
    }
    return {};
  }

  /// "-Nfp22", "-p", "22".
  Result<void> read_cluster(const std::string& word, const Words& words, std::size_t& at) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const char option = word[i];
      const auto known = kOptions.find(option);
      if (known == std::string_view::npos || option == ':') {
        return fail(Errc::usage, "ssh has no option -" + printable(std::string(1, option)));
      }
      const bool takes_value = known + 1 < kOptions.size() && kOptions[known + 1] == ':';
      if (!takes_value) {
        take(option, {});
        continue;
      }
      std::string value = word.substr(i + 1);
      if (value.empty() && at >= words.size()) {
        return fail(Errc::usage, std::string("-") + option + " wants a value");
      }
      if (value.empty()) value = words[at++];
      return take_value(option, value);
    }
    return {};
  }

  Result<void> take_value(char option, const std::string& value) {
    switch (option) {
      case 'p':
        return set_port(value);
      case 'l':
        set(user_, value);
        return {};
      case 'i':
        set_identity(value);
        return {};
      case 'R':
        return add_forward(value);
      case 'o':
        return read_keyword(value);
      default:
        take(option, value);
        return {};
    }
  }

  void take(char option, const std::string& value) {
    if (kSilent.find(option) != std::string_view::npos) return;
    const auto* reason = std::ranges::find(kReasons, option, &Reason::option);
    const std::string text = std::string("-") + option + (value.empty() ? "" : " " + value);
    note(text + ": " + (reason == kReasons.end() ? "has no equivalent" : std::string(reason->why)));
  }

  /// "Key=Value" or "Key Value".
  Result<void> read_keyword(const std::string& whole) {
    const std::string text = whole.substr(std::min(whole.find_first_not_of(" \t"), whole.size()));
    const auto end = text.find_first_of("= \t");
    std::string key = text.substr(0, end);
    std::ranges::transform(key, key.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const auto begin = end == std::string::npos ? end : text.find_first_not_of("= \t", end);
    if (begin == std::string::npos)
      return fail(Errc::usage, "-o " + printable(text) + ": no value");
    const std::string value = unquoted(text.substr(begin));
    if (key == "port") return set_port(value);
    if (key == "user") return set(user_, value), Result<void>{};
    if (key == "hostname") return set(hostname_, value), Result<void>{};
    if (key == "identityfile") return set_identity(value), Result<void>{};
    if (key == "userknownhostsfile") return set_known_hosts(value), Result<void>{};
    if (key == "remoteforward") {
      const auto space = value.find_first_of(" \t");
      const auto rest = space == std::string::npos ? space : value.find_first_not_of(" \t", space);
      return add_forward(
          rest == std::string::npos ? value : value.substr(0, space) + ':' + value.substr(rest));
    }
    if (key == "stricthostkeychecking") {
      if (value != "yes") {
        note("-o " + text + ": the host key must stand in known_hosts_file; nothing is ever asked");
      }
      return {};
    }
    if (std::ranges::find(kNeedless, key) == kNeedless.end()) {
      note("-o " + text + ": has no equivalent");
    }
    return {};
  }

  static std::string unquoted(std::string text) {
    const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    return is_quoted ? text.substr(1, text.size() - 2) : text;
  }

  void note(std::string text) { import_.notes.push_back(std::move(text)); }

  /// As ssh has it, the first one counts.
  static void set(std::string& into, const std::string& value) {
    if (into.empty()) into = value;
  }

  Result<void> set_port(const std::string& text) {
    const auto port = parse_port(text);
    if (!port) return fail(Errc::usage, "-p " + printable(text) + ": " + port.error().line());
    if (!port_) port_ = *port;
    return {};
  }

  void set_identity(const std::string& path) {
    if (!identity_.empty()) return note("the key " + path + ": only one is used, " + identity_);
    identity_ = path;
  }

  void set_known_hosts(const std::string& paths) {
    const std::string first = paths.substr(0, paths.find(' '));
    if (first == "/dev/null" || first == "none") {
      return note("UserKnownHostsFile " + first + ": the host key must be pinned; " +
                  "ssh-keyscan and a look at the fingerprint make the line");
    }
    if (first != paths) note("UserKnownHostsFile " + paths + ": only the first is used");
    set(known_hosts_, first);
  }

  Result<void> add_forward(const std::string& text) {
    auto forward = parse_remote_forward(text);
    if (!forward) {
      // Well said and not to be had; or no forward at all, which ssh would refuse, too.
      const std::string line = "-R " + forward.error().line();
      if (line.find("no equivalent") == std::string::npos) return fail(Errc::usage, line);
      note(line);
      return {};
    }
    const auto same = [&](const ImportedForward& each) { return each.listen == forward->listen; };
    if (std::ranges::any_of(import_.forwards, same)) {
      note("-R " + text + ": that port was asked for before");
      return {};
    }
    import_.forwards.push_back(*std::move(forward));
    return {};
  }

  void note_environment() {
    for (const std::string& variable : context_.environment) {
      if (variable.starts_with("AUTOSSH_")) {
        note(variable + ": reversi judges and waits by rules of its own");
      }
    }
  }

  /// "user@host", "host", "ssh://user@host:port". What options before it said counts more.
  void read_destination() {
    constexpr std::string_view kScheme = "ssh://";
    std::string host = destination_;
    const bool is_uri = host.starts_with(kScheme);
    if (is_uri) {
      host.erase(0, kScheme.size());
      host.resize(std::min(host.find('/'), host.size()));
    }
    if (const auto at = host.rfind('@'); at != std::string::npos) {
      set(user_, host.substr(0, at));
      host.erase(0, at + 1);
    }
    // Without a port it is no endpoint, and the host stands as it is.
    const auto endpoint = parse_endpoint(host);
    if (is_uri && endpoint) {
      host = endpoint->host;
      if (!port_) port_ = endpoint->port;
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    import_.host = host;
  }

  Result<Import> finish() {
    if (destination_.empty()) return fail(Errc::usage, "no server: [USER@]HOST is missing");
    if (!hostname_.empty()) import_.host = hostname_;
    import_.port = port_.value_or(22);
    const auto endpoint = parse_endpoint(format_endpoint({import_.host, import_.port}));
    if (!endpoint) return fail(Errc::usage, endpoint.error().line());
    if (import_.forwards.empty()) {
      return fail(
          Errc::usage,
          "no forward that could be taken over: -R [ADDRESS:]PORT:HOST:HOSTPORT is missing");
    }
    import_.user = user_.empty() ? context_.user : user_;
    if (identity_.empty()) {
      note("without -i ssh tries several keys; here it is " + context_.identity);
    }
    import_.identity = identity_.empty() ? context_.identity : absolute_path(identity_, context_);
    import_.known_hosts =
        absolute_path(known_hosts_.empty() ? "~/.ssh/known_hosts" : known_hosts_, context_);
    for (const std::string* path : {&import_.identity, &import_.known_hosts}) {
      if (path->find('%') != std::string::npos) note(*path + ": ssh's % tokens are not replaced");
    }
    note("a name that ssh's configuration file explains (Host …) must be replaced by the real one");
    return std::move(import_);
  }

  const ImportContext& context_;
  Import import_;
  std::string destination_;
  std::string hostname_;
  std::string user_;
  std::string identity_;
  std::string known_hosts_;
  std::optional<Port> port_;
};

}  // namespace

Result<Import> import_autossh(const std::vector<std::string>& arguments,
                              const ImportContext& context) {
  return CommandLineReader(context).read(arguments);
}

}  // namespace reversi::client

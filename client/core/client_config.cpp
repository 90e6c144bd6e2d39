#include "client/core/client_config.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "client/core/client_config_keys.h"
#include "common/core/expect_keys.h"
#include "common/core/json_fields.h"
#include "common/core/nearest.h"
#include "common/core/protocol.h"

namespace reversi::client {
namespace {

constexpr std::size_t kMaxConfigPathBytes = 1024;
constexpr std::size_t kMaxHostBytes = 255;
constexpr std::size_t kMaxConfigEndpointBytes = 300;
constexpr std::size_t kMaxServers = 16;
constexpr std::size_t kMaxUserBytes = 32;  // useradd's limit
constexpr std::int64_t kMaxLogBytes = std::int64_t{1} << 30;
constexpr Millis kLongestAge{std::chrono::hours{24 * 365}};
constexpr Millis kLongestWait{std::chrono::hours{1}};

/// One key of an object and how it is read into `T`.
template <class T>
struct Key {
  std::string_view name;
  void (*read)(T& out, Fields& fields, std::string_view key);
};

/// A mistake with the path of its key in front: "forwards[1]" and "target: missing" become
/// "forwards[1].target: missing".
Error below(const std::string& path, const Error& error) {
  return {Errc::config, path.empty() ? error.line() : path + '.' + error.line()};
}

template <class T, std::size_t N>
Result<void> read_object(T& out, const Json& doc, const std::array<Key<T>, N>& keys,
                         const std::string& path) {
  if (!doc.is_object()) {
    return fail(Errc::config, (path.empty() ? "" : path + ": ") + "expected an object {…}");
  }
  std::vector<std::string_view> names;
  for (const auto& key : keys) names.push_back(key.name);
  for (const auto& item : doc.items()) {
    const std::string& name = item.key();
    if (std::ranges::find(names, std::string_view(name)) != names.end()) continue;
    const std::string shown = printable(name, 80);
    return fail(below(path, {Errc::config, shown + ": unknown key" + did_you_mean(name, names)}));
  }
  Fields fields(doc);
  for (const auto& key : keys) key.read(out, fields, key.name);
  return fields.done().map_error([&](const Error& error) { return below(path, error); });
}

/// Reads the object at `key`, if there is one, by its own table of keys.
template <class T, std::size_t N>
void read_nested(T& out, Fields& fields, std::string_view key, const Json& doc,
                 const std::array<Key<T>, N>& keys) {
  if (auto ok = read_object(out, doc, keys, {}); !ok) {
    // Below this key the path goes on with a dot, unless the value itself is of a wrong type.
    const std::string line = ok.error().line();
    fields.mistake(doc.is_object() ? std::string(key) + '.' + line.substr(0, line.find(": "))
                                   : std::string(key),
                   doc.is_object() ? line.substr(line.find(": ") + 2) : line);
  }
}

bool is_path(std::string_view path) {
  return !path.empty() && path.find('\0') == std::string_view::npos;
}

void read_path(std::string& out, Fields& fields, std::string_view key) {
  const bool present = fields.find(key) != nullptr;
  fields.may(key, out, kMaxConfigPathBytes);
  if (present && !is_path(out)) fields.mistake(key, "expected the path of a file or directory");
}

template <class T>
void read_parsed(T& out, Fields& fields, std::string_view key,
                 Result<T> (*parse)(std::string_view)) {
  if (fields.find(key) == nullptr) return;
  std::string text;
  fields.may(key, text, kMaxConfigEndpointBytes);
  if (!fields.is_good()) return;
  auto parsed = parse(text);
  parsed ? void(out = *std::move(parsed)) : fields.mistake(key, parsed.error().line());
}

void need(Fields& fields, std::string_view key, std::string_view what) {
  if (fields.find(key) == nullptr) fields.mistake(key, "missing; expected " + std::string(what));
}

bool is_user(std::string_view user) {
  return !user.empty() && user.front() != '-' && std::ranges::all_of(user, [](char c) {
    return c > ' ' && c < '\x7f' && c != ':' && c != '/' && c != '@';
  });
}

void read_user(std::string& out, Fields& fields, std::string_view key) {
  const bool present = fields.find(key) != nullptr;
  fields.may(key, out, kMaxUserBytes);
  if (present && !is_user(out)) fields.mistake(key, "expected a user name");
}

// ---- the objects, one table each -----------------------------------------------------------------

constexpr std::array kServerKeys{
    Key<ServerConfig>{"host",
                      [](ServerConfig& s, Fields& f, std::string_view key) {
                        need(f, key, "the server's name or address");
                        f.may(key, s.endpoint.host, kMaxHostBytes);
                        const auto parsed = parse_endpoint(format_endpoint({s.endpoint.host, 22}));
                        if (!parsed) f.mistake(key, "expected a host name or an IP address");
                      }},
    Key<ServerConfig>{"port",
                      [](ServerConfig& s, Fields& f, std::string_view key) {
                        std::int64_t port = s.endpoint.port;
                        f.may(key, port, 1, 65535);
                        s.endpoint.port = static_cast<Port>(port);
                      }},
    Key<ServerConfig>{"user", [](ServerConfig& s, Fields& f, std::string_view key) {
                        read_user(s.user, f, key);
                      }}};

constexpr std::array kForwardKeys{
    Key<ForwardConfig>{"name",
                       [](ForwardConfig& c, Fields& f, std::string_view key) {
                         need(f, key, "a name like \"ssh\"");
                         f.may(key, c.name, kMaxNameBytes);
                         if (const auto name = ForwardName::parse(c.name); !name) {
                           f.mistake(key, name.error().line());
                         }
                       }},
    Key<ForwardConfig>{"target",
                       [](ForwardConfig& c, Fields& f, std::string_view key) {
                         need(f, key, "host:port, [v6]:port or unix:/path");
                         read_parsed(c.target, f, key, parse_target);
                       }},
    Key<ForwardConfig>{"listen",
                       [](ForwardConfig& c, Fields& f, std::string_view key) {
                         if (f.find(key) == nullptr) return;
                         read_parsed(c.listen.emplace(), f, key, parse_endpoint);
                       }},
    Key<ForwardConfig>{"expect", [](ForwardConfig& c, Fields& f, std::string_view key) {
                         const Json* doc = f.find(key);
                         if (doc == nullptr) return;
                         auto expect = expect_from_json(*doc);
                         if (expect) return void(c.expect = *std::move(expect));
                         const std::string line = expect.error().line();
                         const auto colon = line.find(": ");
                         if (!doc->is_object() || colon == std::string::npos) {
                           return f.mistake(key, line);
                         }
                         f.mistake(std::string(key) + '.' + line.substr(0, colon),
                                   line.substr(colon + 2));
                       }}};

constexpr std::array kCanaryKeys{
    Key<CanaryConfig>{"listen",
                      [](CanaryConfig& c, Fields& f, std::string_view key) {
                        need(f, key, "host:port on this node");
                        read_parsed(c.listen, f, key, parse_endpoint);
                      }},
    Key<CanaryConfig>{"forward", [](CanaryConfig& c, Fields& f, std::string_view key) {
                        need(f, key, "the name of a forward");
                        f.may(key, c.forward, kMaxNameBytes);
                      }}};

constexpr std::array kLogKeys{
    Key<LogConfig>{"file",
                   [](LogConfig& c, Fields& f, std::string_view key) {
                     need(f, key, "the path of the log file");
                     read_path(c.file, f, key);
                     c.to = LogConfig::To::file;
                   }},
    Key<LogConfig>{"max_bytes", [](LogConfig& c, Fields& f, std::string_view key) {
                     f.may(key, c.max_bytes, 4096, kMaxLogBytes);
                   }}};

constexpr std::array kBackoffKeys{
    Key<BackoffPolicy>{"first_ms",
                       [](BackoffPolicy& p, Fields& f, std::string_view key) {
                         f.may(key, p.first, Millis{100}, kLongestWait);
                       }},
    Key<BackoffPolicy>{"longest_ms",
                       [](BackoffPolicy& p, Fields& f, std::string_view key) {
                         f.may(key, p.longest, Millis{100}, kLongestWait);
                       }},
    Key<BackoffPolicy>{"spread_ms", [](BackoffPolicy& p, Fields& f, std::string_view key) {
                         f.may(key, p.spread, Millis{0}, kLongestWait);
                       }}};

/// Reads a list of objects; the path of a mistake names the item: "forwards[1].target".
template <class T, std::size_t N>
void read_list(std::vector<T>& out, Fields& fields, std::string_view key,
               const std::array<Key<T>, N>& keys, std::size_t most) {
  std::size_t index = 0;
  for (const Json* item : fields.items(key, most)) {
    const std::string path = std::string(key) + '[' + std::to_string(index++) + ']';
    read_nested(out.emplace_back(), fields, path, *item, keys);
  }
  if (out.empty()) fields.mistake(key, "expected a list of at least one");
}

void read_log(ClientConfig& config, Fields& fields, std::string_view key) {
  const Json* doc = fields.find(key);
  if (doc == nullptr || *doc == "stderr") return;
  if (*doc == "syslog") {
    config.log.to = LogConfig::To::syslog;
  } else if (doc->is_object()) {
    read_nested(config.log, fields, key, *doc, kLogKeys);
  } else {
    fields.mistake(key, "expected \"stderr\", \"syslog\" or {\"file\": …, \"max_bytes\": …}");
  }
}

void read_level(ClientConfig& config, Fields& fields, std::string_view key) {
  constexpr std::array<std::string_view, 5> kLevels{"trace", "debug", "info", "warning", "error"};
  fields.may(key, config.log_level, kMaxNameBytes);
  if (std::ranges::find(kLevels, std::string_view(config.log_level)) != kLevels.end()) return;
  fields.mistake(key, "expected \"trace\", \"debug\", \"info\", \"warning\" or \"error\"");
}

using C = ClientConfig;
constexpr std::array kKeys{
    Key<C>{"node",
           [](C& c, Fields& f, std::string_view key) {
             need(f, key, "the node's name");
             f.may(key, c.node, kMaxNameBytes);
             if (const auto name = NodeName::parse(c.node); !name)
               f.mistake(key, name.error().line());
           }},
    Key<C>{"servers",
           [](C& c, Fields& f, std::string_view key) {
             read_list(c.servers, f, key, kServerKeys, kMaxServers);
           }},
    Key<C>{"identity_file",
           [](C& c, Fields& f, std::string_view key) {
             need(f, key, "the path of the node's private key");
             read_path(c.identity_file, f, key);
           }},
    Key<C>{"known_hosts_file",
           [](C& c, Fields& f, std::string_view key) {
             need(f, key, "the path of the server's pinned host keys");
             read_path(c.known_hosts_file, f, key);
           }},
    Key<C>{"forwards",
           [](C& c, Fields& f, std::string_view key) {
             read_list(c.forwards, f, key, kForwardKeys, kMaxForwards);
           }},
    Key<C>{"canary",
           [](C& c, Fields& f, std::string_view key) {
             const Json* doc = f.find(key);
             if (doc != nullptr) read_nested(c.canary.emplace(), f, key, *doc, kCanaryKeys);
           }},
    Key<C>{"metered", [](C& c, Fields& f, std::string_view key) { f.may(key, c.metered); }},
    Key<C>{"agent", [](C& c, Fields& f, std::string_view key) { f.may(key, c.agent); }},
    Key<C>{"run_dir", [](C& c, Fields& f, std::string_view key) { read_path(c.run_dir, f, key); }},
    Key<C>{"state_dir",
           [](C& c, Fields& f, std::string_view key) { read_path(c.state_dir, f, key); }},
    Key<C>{"log", read_log},
    Key<C>{"log_level", read_level},
    Key<C>{"user", [](C& c, Fields& f, std::string_view key) { read_user(c.user, f, key); }},
    Key<C>{"max_session_age_ms",
           [](C& c, Fields& f, std::string_view key) {
             f.may(key, c.max_session_age, Millis{0}, kLongestAge);
           }},
    Key<C>{"max_buffered_mib", [](C& c, Fields& f, std::string_view key) {
             f.may(key, c.max_buffered_mib, kLeastBufferedMib, kMostBufferedMib);
           }},
    Key<C>{"backoff", [](C& c, Fields& f, std::string_view key) {
             const Json* doc = f.find(key);
             if (doc != nullptr) read_nested(c.backoff, f, key, *doc, kBackoffKeys);
           }}};

// ---- what no key alone can tell ------------------------------------------------------------------

Result<void> check_forwards(const ClientConfig& config) {
  std::set<std::string> names;
  std::set<std::string> listens;
  for (std::size_t i = 0; i < config.forwards.size(); ++i) {
    const ForwardConfig& forward = config.forwards[i];
    const std::string path = "forwards[" + std::to_string(i) + ']';
    if (!names.insert(forward.name).second) {
      return fail(Errc::config,
                  path + ".name: \"" + forward.name +
                      "\" is used twice; expected a name of its own for each forward");
    }
    if (!config.agent && !forward.listen) {
      return fail(Errc::config, path + ".listen: missing; without an agent nobody grants a port");
    }
    if (forward.listen && !listens.insert(format_endpoint(*forward.listen)).second) {
      return fail(Errc::config,
                  path + ".listen: \"" + format_endpoint(*forward.listen) +
                      "\" is used twice; expected a port of its own for each forward");
    }
  }
  return {};
}

Result<void> check_canary(const ClientConfig& config) {
  if (!config.canary && !config.agent) {
    return fail(Errc::config, "canary: missing; without an agent it is the only proof of the path");
  }
  if (!config.canary || find_forward(config, config.canary->forward) != nullptr) return {};
  std::vector<std::string_view> names;
  for (const ForwardConfig& forward : config.forwards) names.push_back(forward.name);
  const std::string& name = config.canary->forward;
  return fail(Errc::config, "canary.forward: \"" + printable(name, 80) +
                                "\" is none of the forwards" + did_you_mean(name, names));
}

/// As far as a name could be taken for one.
bool is_numeric(std::string_view host) {
  return host.find(':') != std::string_view::npos ||
         (!host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

void resolve(std::string& path, const std::string& directory) {
  if (!path.empty() && !path.starts_with('/')) path = directory + '/' + path;
}

template <class T, std::size_t N>
void add_names(std::vector<std::string>& names, const std::string& below,
               const std::array<Key<T>, N>& keys) {
  for (const auto& key : keys) names.push_back(below + std::string(key.name));
}

}  // namespace

std::vector<std::string> client_config_keys() {
  std::vector<std::string> names;
  add_names(names, "", kKeys);
  add_names(names, "servers[].", kServerKeys);
  add_names(names, "forwards[].", kForwardKeys);
  for (const std::string_view key : expect_keys()) {
    names.push_back("forwards[].expect." + std::string(key));
  }
  add_names(names, "canary.", kCanaryKeys);
  add_names(names, "log.", kLogKeys);
  add_names(names, "backoff.", kBackoffKeys);
  return names;
}

Result<ClientConfig> parse_client_config(std::string_view text, const std::string& directory) {
  const auto doc = parse_json(text, /*allow_comments=*/true);
  if (!doc) return fail(doc.error());
  ClientConfig config;
  if (auto ok = read_object(config, *doc, kKeys, {}); !ok) return fail(ok.error());
  if (auto ok = check_forwards(config); !ok) return fail(ok.error());
  if (auto ok = check_canary(config); !ok) return fail(ok.error());
  if (config.backoff.longest < config.backoff.first) {
    return fail(Errc::config, "backoff.longest_ms: expected at least first_ms");
  }
  if (config.state_dir.empty()) config.state_dir = directory;
  for (std::string* path : {&config.identity_file, &config.known_hosts_file, &config.run_dir,
                            &config.state_dir, &config.log.file}) {
    resolve(*path, directory);
  }
  return config;
}

Result<void> check_canary_listen(const ClientConfig& config) {
  if (!config.canary) return {};
  const std::string& host = config.canary->listen.host;
  if (host == "localhost" || is_numeric(host)) return {};
  return fail(Errc::config, "canary.listen: \"" + printable(host, 80) +
                                "\" is a name; expected a numeric address or localhost");
}

std::optional<std::string> find_state_dir(std::string_view text, const std::string& directory) {
  constexpr std::string_view kKey = "\"state_dir\"";
  constexpr std::string_view kBlank = " \t\r\n";
  const auto key = text.rfind(kKey);
  if (key == std::string_view::npos) return std::nullopt;
  const auto colon = text.find_first_not_of(kBlank, key + kKey.size());
  if (colon == std::string_view::npos || text[colon] != ':') return std::nullopt;
  const auto open = text.find_first_not_of(kBlank, colon + 1);
  if (open == std::string_view::npos || text[open] != '"') return std::nullopt;
  const auto close = text.find_first_of("\"\\\n", open + 1);
  if (close == std::string_view::npos || text[close] != '"') return std::nullopt;
  std::string path(text.substr(open + 1, close - open - 1));
  if (!is_path(path)) return std::nullopt;
  resolve(path, directory);
  return path;
}

const ForwardConfig* find_forward(const ClientConfig& config, std::string_view name) {
  const auto found = std::ranges::find(config.forwards, name, &ForwardConfig::name);
  return found == config.forwards.end() ? nullptr : &*found;
}

}  // namespace reversi::client

#include "client/manual/config_keys.h"

#include <vector>

#include "client/core/buffered.h"

namespace reversi::client {
namespace {

using manual::ConfigKey;

constexpr std::int64_t kHour = 3'600'000;

ConfigKey required(std::string path, std::string type, std::string meaning) {
  return {.path = std::move(path),
          .type = std::move(type),
          .meaning = std::move(meaning),
          .required = true};
}

ConfigKey optional(std::string path, std::string type, std::string fallback, std::string meaning) {
  return {.path = std::move(path),
          .type = std::move(type),
          .fallback = std::move(fallback),
          .meaning = std::move(meaning)};
}

ConfigKey number(std::string path, std::string type, std::int64_t least, std::int64_t most,
                 std::string fallback, std::string meaning) {
  ConfigKey key =
      optional(std::move(path), std::move(type), std::move(fallback), std::move(meaning));
  key.least = least;
  key.most = most;
  return key;
}

std::vector<ConfigKey> table() {
  return {
      required("node", "name",
               "The name that the server's administrator gave this node: lower-case letters, "
               "digits and hyphens, 63 at most."),
      required("servers", "list of objects",
               "Tried in order, 16 at most. A later one is left once an earlier one answers a full "
               "login: the new session\n"
               "comes first, then the old one is closed."),
      required("servers[].host", "text", "The server's name or address."),
      number("servers[].port", "port", 1, 65535, "22", "Of its sshd."),
      optional("servers[].user", "text", "\"reversi\"", "The account to log in to."),
      required("identity_file", "path",
               "The node's private key. A relative path starts at the directory of this file, as "
               "every path here."),
      required("known_hosts_file", "path",
               "The server's pinned host keys. Nothing is ever asked: a key that is not in it is "
               "refused."),
      required("forwards", "list of objects", "What this node exposes at the server, 32 at most."),
      required("forwards[].name", "name",
               "As the server's administrator calls it: a lower-case letter, then letters, digits "
               "and hyphens, 31 at most."),
      required("forwards[].target", "text",
               "Where it leads, on this node or any machine that the node reaches: host:port, "
               "[v6]:port or unix:/path."),
      optional("forwards[].listen", "text", "",
               "localhost:PORT at the server. With an agent the server hands out the ports, and "
               "this must equal the grant;\n"
               "without one it is the request, and required."),
      optional("forwards[].expect", "object", "",
               "What a healthy service says. The administrator's expectation wins; without either, "
               "that it takes a connection."),
      required("forwards[].expect.kind", "\"connect\", \"banner\" or \"http\"",
               "Takes a connection; begins with a text; answers an HTTP request with a status."),
      required("forwards[].expect.match", "text",
               "Of banner: how its answer begins, literally, 1 to 256 bytes."),
      optional("forwards[].expect.send", "text", "\"\"",
               "Of banner: sent before the answer is awaited, 256 bytes at most."),
      optional("forwards[].expect.path", "text", "\"/\"",
               "Of http: what is asked for, 256 bytes at most. Host is localhost."),
      number("forwards[].expect.status", "number", 100, 599, "200",
             "Of http: the status code of the answer; no redirect is followed."),
      optional("canary", "object", "",
               "A local port that leads through the server and back to the target: the whole loop. "
               "Required where agent is\n"
               "false, for it is the only proof of the path then."),
      required("canary.listen", "text",
               "host:port on this node, numeric or localhost. If it is taken the canary listens on "
               "another "
               "port; status --json says which."),
      required("canary.forward", "name", "The forward that it goes through."),
      optional("metered", "true or false", "false",
               "The node pays for its traffic: fewer heartbeats and checks, slower to notice a "
               "dead path."),
      optional("agent", "true or false", "true",
               "Whether the server runs reversi-server. Without it forwards are supervised on any "
               "plain sshd, by the canary alone."),
      optional("run_dir", "path", "",
               "For the lock, the status and the control socket. Missing: /run/reversi/NODE for "
               "root (macOS:\n"
               "/var/run/reversi/NODE), else $XDG_RUNTIME_DIR/reversi/NODE, else state_dir."),
      optional("state_dir", "path", "",
               "For what outlives a boot: the last good configuration, the server's policy, "
               "learned keys and names.\n"
               "Written only when something changed. Missing: the directory of this file."),
      optional("log", "\"stderr\", \"syslog\" or object", "\"stderr\"", "Where the log goes."),
      required("log.file", "path",
               "To this file. When it is full it becomes NAME.1.EXT, and the former one goes."),
      number("log.max_bytes", "bytes", 4096, std::int64_t{1} << 30, "1048576",
             "When the file counts as full."),
      optional("log_level", "\"trace\", \"debug\", \"info\", \"warning\" or \"error\"", "\"info\"",
               "The least that is logged."),
      optional("user", "text", "",
               "The worker, which speaks with the network, runs as this user once it has read key "
               "and known hosts.\n"
               "Missing: as the supervisor does."),
      number("max_session_age_ms", "milliseconds", 0, 365 * 24 * kHour, "0",
             "A session this old is replaced when no forwarded channel is open; 0 = never."),
      number(
          "max_buffered_mib", "MiB", kLeastBufferedMib, kMostBufferedMib,
          std::to_string(kDefaultBufferedMib),
          "What may be kept in memory for readers that are slower than the network, all together; "
          "a connection keeps what it needed most. Beyond it connections are ended: first those "
          "whose reader has stopped, then those that rest, and of these the one that keeps most.\n"
          "As much again may be kept by connections that were ended, until the server closes them "
          "too; beyond that the session starts anew."),
      optional("backoff", "object", "",
               "Waits between attempts where no server sets them: with agent false, or before the "
               "first login."),
      number("backoff.first_ms", "milliseconds", 100, kHour, "1000",
             "The first wait; each next one is twice as long."),
      number("backoff.longest_ms", "milliseconds", 100, kHour, "60000",
             "The longest wait; not below first_ms."),
      number("backoff.spread_ms", "milliseconds", 0, kHour, "0",
             "A fleet that lost its server at once spreads its first retries over this long."),
  };
}

}  // namespace

std::span<const manual::ConfigKey> config_key_table() {
  static const std::vector<manual::ConfigKey> kTable = table();
  return kTable;
}

}  // namespace reversi::client

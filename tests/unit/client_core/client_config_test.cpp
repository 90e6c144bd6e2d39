#include "client/core/client_config.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/core/config_change.h"
#include "common/core/json_fields.h"

namespace reversi::client {
namespace {

constexpr std::string_view kWhole = R"({
  // A comment, as people write them.
  "node": "cam-07",
  "servers": [{"host": "tunnel.example.org", "port": 2222, "user": "tunnel"}, {"host": "::1"}],
  "identity_file": "id_ed25519",
  "known_hosts_file": "/etc/reversi/known_hosts",
  "forwards": [
    {"name": "ssh", "target": "127.0.0.1:22", "listen": "localhost:20001",
     "expect": {"kind": "banner", "match": "SSH-2.0-"}},
    {"name": "mail", "target": "unix:/run/mail.sock"}
  ],
  "canary": {"listen": "127.0.0.1:19922", "forward": "ssh"},
  "metered": true, "agent": true, "run_dir": "/run/r", "state_dir": "state",
  "log": {"file": "/var/log/r", "max_bytes": 8192}, "log_level": "debug", "user": "nobody",
  "max_session_age_ms": 1000, "max_buffered_mib": 5, "backoff": {"first_ms": 500, "longest_ms": 700, "spread_ms": 9}
})";

Json small() {
  return {{"node", "cam-07"},
          {"servers", {{{"host", "tunnel.example.org"}}}},
          {"identity_file", "/k"},
          {"known_hosts_file", "/h"},
          {"forwards", {{{"name", "ssh"}, {"target", "127.0.0.1:22"}}}}};
}

TEST(ClientConfig, EveryKeyIsRead) {
  const auto config = parse_client_config(kWhole, "/etc/reversi");
  ASSERT_TRUE(config) << config.error().line();
  EXPECT_EQ(config->node, "cam-07");
  ASSERT_EQ(config->servers.size(), 2U);
  EXPECT_EQ(config->servers[0], (ServerConfig{{"tunnel.example.org", 2222}, "tunnel"}));
  EXPECT_EQ(config->servers[1], (ServerConfig{{"::1", 22}, "reversi"}));
  EXPECT_EQ(config->identity_file, "/etc/reversi/id_ed25519");
  EXPECT_EQ(config->known_hosts_file, "/etc/reversi/known_hosts");
  ASSERT_EQ(config->forwards.size(), 2U);
  EXPECT_EQ(config->forwards[0].listen, (Endpoint{"localhost", 20001}));
  EXPECT_EQ(config->forwards[0].expect->match, "SSH-2.0-");
  EXPECT_EQ(config->forwards[1].target, Target{UnixPath{"/run/mail.sock"}});
  EXPECT_EQ(config->canary, (CanaryConfig{{"127.0.0.1", 19922}, "ssh"}));
  EXPECT_TRUE(config->metered);
  EXPECT_EQ(config->run_dir, "/run/r");
  EXPECT_EQ(config->state_dir, "/etc/reversi/state");
  EXPECT_EQ(config->log, (LogConfig{LogConfig::To::file, "/var/log/r", 8192}));
  EXPECT_EQ(config->log_level, "debug");
  EXPECT_EQ(config->user, "nobody");
  EXPECT_EQ(config->max_session_age, Millis{1000});
  EXPECT_EQ(config->max_buffered_mib, 5);
  EXPECT_EQ(config->backoff, (BackoffPolicy{Millis{500}, Millis{700}, Millis{9}}));
}

TEST(ClientConfig, StateLivesBesideTheConfigurationByDefault) {
  const auto config = parse_client_config(json_line(small()), "/etc/reversi");
  ASSERT_TRUE(config) << config.error().line();
  EXPECT_EQ(config->state_dir, "/etc/reversi");
}

struct Mistake {
  const char* pointer;  ///< where the value is put (a JSON pointer); null = removed
  const char* value;
  const char* line;
};

TEST(ClientConfig, EveryMistakeIsOneLineWithItsKey) {
  const Mistake mistakes[] = {
      {"/forward", "1", R"(forward: unknown key (did you mean "forwards"?))"},
      {"/zzz", "1", "zzz: unknown key"},
      {"/node", "7", "node: expected a text"},
      {"/node", "null", "node: missing; expected the node's name"},
      {"/node", R"("Cam")", R"(node: node name "Cam" is not 1 to 63 lower-case)"},
      {"/servers", "[]", "servers: expected a list of at least one"},
      {"/servers", "{}", "servers: expected a list of at most 16 items"},
      {"/servers/0", "7", "servers[0]: expected an object"},
      {"/servers/0/port", "70000", "servers[0].port: expected a whole number from 1 to 65535"},
      {"/servers/0/host", R"("a b")", "servers[0].host: expected a host name"},
      {"/servers/0/hots", "1", R"(servers[0].hots: unknown key (did you mean "host"?))"},
      {"/servers/0/user", R"("-x")", "servers[0].user: expected a user name"},
      {"/identity_file", "null", "identity_file: missing; expected the path"},
      {"/known_hosts_file", R"("")", "known_hosts_file: expected the path"},
      {"/forwards", "null", "forwards: expected a list of at least one"},
      {"/forwards/0/name", R"("SSH")", R"(forwards[0].name: forward name "SSH")"},
      {"/forwards/0/target", R"("127.0.0.1")", R"(forwards[0].target: target "127.0.0.1" is not)"},
      {"/forwards/0/target", "null", "forwards[0].target: missing; expected host:port"},
      {"/forwards/0/listen", R"("x:0")", "forwards[0].listen: port \"0\""},
      {"/forwards/0/expect", R"("ssh")", "forwards[0].expect: expected an object"},
      {"/forwards/0/expect", R"({"kind": "x"})", "forwards[0].expect.kind: expected \"connect\""},
      {"/forwards/0/expect", R"({"kind": "http", "status": 9})",
       "forwards[0].expect.status: expected"},
      {"/forwards/1", R"({"name": "ssh", "target": "a:1"})",
       R"(forwards[1].name: "ssh" is used twice)"},
      {"/canary", R"({"listen": "127.0.0.1:1", "forward": "shs"})",
       R"(canary.forward: "shs" is none of the forwards (did you mean "ssh"?))"},
      {"/canary", R"({"forward": "ssh"})", "canary.listen: missing; expected host:port"},
      {"/metered", "1", "metered: expected true or false"},
      {"/agent", "false", "forwards[0].listen: missing; without an agent"},
      {"/log", R"("file")", "log: expected \"stderr\", \"syslog\""},
      {"/log", R"({"max_bytes": 5000})", "log.file: missing"},
      {"/log_level", R"("loud")", "log_level: expected \"trace\""},
      {"/max_session_age_ms", "-1", "max_session_age_ms: expected a whole number from 0"},
      {"/max_buffered_mib", "0", "max_buffered_mib: expected a whole number from 4 to 1024"},
      {"/backoff", R"({"first_ms": 9000, "longest_ms": 100})",
       "backoff.longest_ms: expected at least"},
  };
  for (const Mistake& mistake : mistakes) {
    Json doc = small();
    doc[Json::json_pointer(mistake.pointer)] = Json::parse(mistake.value);
    const auto config = parse_client_config(json_line(doc), "/d");
    ASSERT_FALSE(config) << mistake.pointer << " " << mistake.value;
    EXPECT_EQ(config.error().code(), Errc::config);
    EXPECT_TRUE(config.error().line().starts_with(mistake.line))
        << config.error().line() << "\nexpected: " << mistake.line;
  }
}

TEST(ClientConfig, TwoForwardsNeverShareAListen) {
  Json doc = small();
  doc["forwards"][0]["listen"] = "localhost:20001";
  doc["forwards"].push_back({{"name", "b"}, {"target", "a:1"}, {"listen", "localhost:20001"}});
  const auto config = parse_client_config(json_line(doc), "/d");
  ASSERT_FALSE(config);
  EXPECT_TRUE(
      config.error().line().starts_with("forwards[1].listen: \"localhost:20001\" is used twice"));
}

TEST(ClientConfig, ASyntaxErrorSaysLineAndColumn) {
  const auto config = parse_client_config("{\n  \"node\": \"a\"\n  \"servers\": 1}", "/d");
  ASSERT_FALSE(config);
  EXPECT_TRUE(config.error().line().starts_with("line 3, column 11: ")) << config.error().line();
}

TEST(ClientConfig, ABrokenTextStillTellsItsStateDirectory) {
  EXPECT_EQ(find_state_dir(R"({"state_dir" : "/var/lib/r", "node" })", "/etc"), "/var/lib/r");
  EXPECT_EQ(find_state_dir(R"({"state_dir": "s",,)", "/etc"), "/etc/s");
  EXPECT_EQ(find_state_dir(R"({"state_dir": )", "/etc"), std::nullopt);
  EXPECT_EQ(find_state_dir("", "/etc"), std::nullopt);
}

TEST(ClientConfig, ACanaryListensOnNumbersOrLocalhost) {
  ClientConfig config = *parse_client_config(kWhole, "/etc/reversi");
  for (const char* host : {"127.0.0.1", "::1", "localhost", "192.168.1.2"}) {
    config.canary->listen.host = host;
    EXPECT_TRUE(check_canary_listen(config)) << host;
  }
  config.canary->listen.host = "gateway";
  ASSERT_FALSE(check_canary_listen(config));
  EXPECT_EQ(check_canary_listen(config).error().line(),
            "canary.listen: \"gateway\" is a name; expected a numeric address or localhost");
}

TEST(ClientConfig, OnlyWhatTheSessionIsBuiltOnNeedsANewOne) {
  const ClientConfig before = *parse_client_config(kWhole, "/etc/reversi");
  ClientConfig after = before;
  after.forwards[0].target = Endpoint{"10.0.0.1", 22};
  after.forwards[0].expect.reset();
  after.log_level = "error";
  EXPECT_FALSE(needs_new_session(before, after));
  after.forwards[0].listen = Endpoint{"localhost", 20002};
  EXPECT_TRUE(needs_new_session(before, after));
  after = before;
  after.forwards.pop_back();
  EXPECT_TRUE(needs_new_session(before, after));
}

}  // namespace
}  // namespace reversi::client

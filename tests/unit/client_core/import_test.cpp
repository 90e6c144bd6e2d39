#include "client/core/import.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "client/core/client_config.h"

namespace reversi::client {
namespace {

using Words = std::vector<std::string>;

ImportContext context() {
  return {"cam-07", "pi", "/home/pi", "/srv", "/home/pi/.ssh/id_rsa", {}};
}

Words words_of(std::string_view text) {
  Words words(1);
  for (const char c : text) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back() += c == '_' ? ' ' : c;
    }
  }
  return words;
}

/// "SERVER USER KEY KNOWN_HOSTS LISTEN>TARGET…", as `check` understands the text that was made.
std::string told(const Result<Import>& import) {
  if (!import) return "error: " + import.error().line();
  const auto text = import_text(*import);
  if (!text) return "error: " + text.error().line();
  const auto config = parse_client_config(*text, "/elsewhere");
  if (!config) return "not valid: " + config.error().line() + "\n" + *text;
  EXPECT_FALSE(config->agent);
  EXPECT_TRUE(config->canary);
  std::string told = format_endpoint(config->servers[0].endpoint) + ' ' + config->servers[0].user +
                     ' ' + config->identity_file + ' ' + config->known_hosts_file;
  for (const ForwardConfig& forward : config->forwards) {
    told += ' ' + forward.name + '=' + format_endpoint(*forward.listen) + '>' +
            format_target(forward.target);
    if (forward.expect->kind == Expect::Kind::banner) told += '!' + forward.expect->match;
  }
  return told;
}

bool has_note(const Result<Import>& import, const std::string& words) {
  return import && std::ranges::any_of(import->notes, [&](const std::string& note) {
           return note.find(words) != std::string::npos;
         });
}

const std::string kSsh = "ssh=localhost:20001>localhost:22!SSH-2.0-";
const std::string kFiles = "/home/pi/.ssh/id_rsa /home/pi/.ssh/known_hosts ";

struct Case {
  std::string arguments;  ///< `_` stands for a blank inside a word
  std::string told;
  std::string note;  ///< a word of one of the notes, or empty
};

TEST(ImportAutossh, ArgumentsAreReadAsSshReadsThem) {
  const std::vector<Case> cases{
      {"-M 0 -N -R 20001:localhost:22 t.example", "t.example:22 pi " + kFiles + kSsh, "-M 0"},
      {"autossh -M20000:7 -fNT -R20001:localhost:22 bob@t.example",
       "t.example:22 bob " + kFiles + kSsh, "-M 20000:7"},
      {"-NTfqvR 20001:localhost:22 -p2222 -l bob eve@t.example",
       "t.example:2222 bob " + kFiles + kSsh, ""},
      {"t.example -p 2222 -R 20001:localhost:22", "t.example:2222 pi " + kFiles + kSsh, ""},
      {"eve@t.example -l bob -R 20001:localhost:22", "t.example:22 eve " + kFiles + kSsh, ""},
      {"-R 20001:localhost:22 ssh://bob@t.example:2222", "t.example:2222 bob " + kFiles + kSsh, ""},
      {"-R 20001:localhost:22 ssh://[2001:db8::1]:2222", "[2001:db8::1]:2222 pi " + kFiles + kSsh,
       ""},
      {"-R 20001:localhost:22 bob@2001:db8::1", "[2001:db8::1]:22 bob " + kFiles + kSsh, ""},
      {"-o Port=2222 -p 22 -oUser_bob -o_HostName=x -R 20001:localhost:22 t",
       "x:2222 bob " + kFiles + kSsh, ""},
      {"-o HostName -R 20001:localhost:22 t", "error: -o HostName: no value", ""},
      {"-o Port=2222 -p 22 -oUser_bob -o HostName=t.example -R 20001:localhost:22 alias",
       "t.example:2222 bob " + kFiles + kSsh, ""},
      {"-o RemoteForward=20001_localhost:22 -o remoteforward_*:8080_[::1]:80 t.example",
       "t.example:22 pi " + kFiles + kSsh + " http=0.0.0.0:8080>[::1]:80", ""},
      {"-i ~/key -i other -o UserKnownHostsFile=hosts -R 20001:localhost:22 t",
       "t:22 pi /home/pi/key /srv/hosts " + kSsh, "only one is used"},
      {"-o UserKnownHostsFile=/dev/null -R 20001:localhost:22 t", "t:22 pi " + kFiles + kSsh,
       "must be pinned"},
      {"-o IdentityFile=\"k\" -R 20001:localhost:22 t",
       "t:22 pi /srv/k /home/pi/.ssh/known_hosts " + kSsh, ""},
      {"-R 192.0.2.1:8080:cam:80 -R [2001:db8::1]:8081:[fe80::1%eth0]:80 t",
       "t:22 pi " + kFiles +
           "http=192.0.2.1:8080>cam:80 http-2=[2001:db8::1]:8081>[fe80::1%eth0]:80",
       ""},
      {"-R :8080:cam:80 -R *:8081:cam:8443 t",
       "t:22 pi " + kFiles + "http=0.0.0.0:8080>cam:80 port-8443=0.0.0.0:8081>cam:8443", ""},
      {"-R 8080:/run/a:b.sock t", "t:22 pi " + kFiles + "socket=localhost:8080>unix:/run/a:b.sock",
       ""},
      {"-R 20001:localhost:22 -R 20001:cam:80 t", "t:22 pi " + kFiles + kSsh, "asked for before"},
      {"-R 20001:localhost:22 -R 1080 t", "t:22 pi " + kFiles + kSsh, "SOCKS proxy on the server"},
      {"-R 20001:localhost:22 -R 0:cam:80 t", "t:22 pi " + kFiles + kSsh, "port 0"},
      {"-R 20001:localhost:22 -R /run/x:cam:80 t", "t:22 pi " + kFiles + kSsh, "unix socket"},
      {"-R 20001:localhost:22 -L 1:h:2 t", "t:22 pi " + kFiles + kSsh, "-L 1:h:2"},
      {"-R 20001:localhost:22 -D1080 t", "t:22 pi " + kFiles + kSsh, "-D 1080"},
      {"-R 20001:localhost:22 -J jump t", "t:22 pi " + kFiles + kSsh, "-J jump"},
      {"-R 20001:localhost:22 -C4 t sleep 60", "t:22 pi " + kFiles + kSsh, "command \"sleep"},
      {"-R 20001:localhost:22 -o ProxyCommand=nc t", "t:22 pi " + kFiles + kSsh, "ProxyCommand"},
      {"-o StrictHostKeyChecking=no -R 20001:localhost:22 t", "t:22 pi " + kFiles + kSsh,
       "StrictHostKeyChecking=no"},
      {"-N t",
       "error: no forward that could be taken over: -R [ADDRESS:]PORT:HOST:HOSTPORT is missing",
       ""},
      {"-R 20001:localhost:22", "error: no server: [USER@]HOST is missing", ""},
      {"-R 20001:localhost:22 -Z t", "error: ssh has no option -Z", ""},
      {"-R 20001:localhost:22 t -p", "error: -p wants a value", ""},
      {"-R 20001:localhost:22 -p 99999 t", "error: -p 99999: port \"99999\" is not a number", ""},
      {"-R 20001:localhost:22 b_ob@t", "error: cannot be taken over: servers[0].user:", ""},
      {"-R [::1:80:x:80 t", "error: -R \"[::1:80:x:80\": a bracket is not closed", ""},
      {"-R 1:2:3:4:5 t", "error: -R \"1:2:3:4:5\": expected", ""},
      {"-R x:h:80 t", "error: -R \"x:h:80\": ", ""},
      {"-R 80:h:x t", "error: -R \"80:h:x\": ", ""},
  };
  for (const Case& each : cases) {
    const auto import = import_autossh(words_of(each.arguments), context());
    const std::string got = told(import);
    const bool is_error = each.told.starts_with("error:");
    EXPECT_EQ(is_error ? got.substr(0, each.told.size()) : got, each.told) << each.arguments;
    EXPECT_TRUE(each.note.empty() || has_note(import, each.note)) << each.arguments;
  }
}

TEST(ImportAutossh, MoreThanAConfigurationHoldsIsAnError) {
  Words words{"t"};
  for (int i = 0; i < 33; ++i) {
    words.insert(words.end(), {"-R", std::to_string(20'000 + i) + ":cam:80"});
  }
  EXPECT_EQ(told(import_autossh(words, context())).substr(0, 27), "error: cannot be taken over");
}

TEST(Import, TheCanaryTakesNoTargetsPort) {
  const auto import = import_autossh({"-R", "1:h:19922", "-R", "2:h:19923", "t"}, context());
  ASSERT_TRUE(import);
  const auto config = parse_client_config(import_text(*import).value(), "/");
  ASSERT_TRUE(config && config->canary);
  EXPECT_EQ(config->canary->listen, (Endpoint{"127.0.0.1", 19'924}));
}

TEST(ImportAutossh, ItsEnvironmentIsNoted) {
  ImportContext with = context();
  with.environment = {"PATH=/bin", "AUTOSSH_POLL=60"};
  const auto import = import_autossh({"-R", "20001:localhost:22", "t"}, with);
  EXPECT_TRUE(has_note(import, "AUTOSSH_POLL=60"));
  EXPECT_FALSE(has_note(import, "PATH"));
}

TEST(ImportAutossh, WhatItIsToldCannotLeaveItsComment) {
  const auto import =
      import_autossh({"-R", "20001:localhost:22", "-L", "1\n{\"node\": \"evil\"}", "t"}, context());
  ASSERT_TRUE(import);
  EXPECT_EQ(told(import), "t:22 pi " + kFiles + kSsh);
}

constexpr const char* kUci = R"(# made by hand
package sshtunnel

config server 'home'
	option user 'bob'
	option hostname "t.example"
	option port 2222
	option retrydelay '60'
	option IdentityFile '/root/.ssh/id_dropbear'
	option StrictHostKeyChecking 'accept-new'

config server spare
	option hostname spare.example

config tunnelR 'ssh'
	option server home
	option remoteaddress 'localhost'
	option remoteport '20001'
	option localaddress '127.0.0.1'
	option localport '22'

config tunnelR 'web'
	option server 'home'
	option remoteport '8080'
	option localaddress 'fd00::1'
	option localport '80'

config tunnelR 'off'
	option server home
	option enabled '0'
	option remoteport '1'
	option localport '1'

config tunnelR 'other'
	option server spare
	option remoteaddress '*'
	option remoteport 9000
	option localport 9000

config tunnelL l
	option server home
config tunnelD d
	option server home
config tunnelW w
	option server home
)";

TEST(ImportSshtunnel, TheServerAndItsTunnels) {
  const auto import = import_sshtunnel(kUci, "", context());
  EXPECT_EQ(told(import),
            "t.example:2222 bob /root/.ssh/id_dropbear /home/pi/.ssh/known_hosts "
            "ssh=localhost:20001>127.0.0.1:22!SSH-2.0- http=0.0.0.0:8080>[fd00::1]:80");
  for (const char* words : {"retrydelay 60", "StrictHostKeyChecking accept-new", "\"off\": is not",
                            "--server spare", "tunnelL \"l\"", "tunnelD \"d\"", "tunnelW \"w\""}) {
    EXPECT_TRUE(has_note(import, words)) << words;
  }
  EXPECT_EQ(told(import_sshtunnel(kUci, "spare", context())),
            "spare.example:22 pi " + kFiles + "port-9000=0.0.0.0:9000>127.0.0.1:9000");
}

TEST(ImportSshtunnel, MistakesAreNamed) {
  const auto error = [](std::string_view text, const std::string& server = "") {
    const auto import = import_sshtunnel(text, server, context());
    return import ? std::string("none") : import.error().line();
  };
  EXPECT_EQ(error("config server 'x"), "line 1: a quote is not closed");
  EXPECT_EQ(error("\n\nwhat is this"), "line 3: expected config, option or list, not \"what\"");
  EXPECT_EQ(error("option a b"), "line 1: expected config, option or list, not \"option\"");
  EXPECT_NE(error("").find("nothing to take over"), std::string::npos);
  EXPECT_NE(error(kUci, "gone").find("no server \"gone\""), std::string::npos);
  EXPECT_NE(error("config tunnelR t\noption server s\nconfig server s\n").find("hostname"),
            std::string::npos);
  EXPECT_NE(error("config tunnelR t\noption server s\nconfig server s\noption hostname h\n")
                .find("remoteport"),
            std::string::npos);
}

TEST(ImportReversi, TheRevFile) {
  const std::string text =
      "nodename:Cam 07\nreversiuser:rev\nreversihost:t.example\nreversisshport:2222\n"
      "reversiport:20001\nfwdhost:192.168.1.20\nfwdport:80\nfwdportstr:HTTP/1.1 400 Bad Request\n"
      "reversisshkey:/root/key\ncretrysecs:30\nallowinternet:\nNODENAME_FOR_x:y\nREMARK:z\nodd:1\n";
  const auto import = import_reversi(text, context());
  EXPECT_EQ(told(import),
            "t.example:2222 rev /root/key /home/pi/.ssh/known_hosts "
            "http=localhost:20001>192.168.1.20:80!HTTP/1.1 400 Ba");
  EXPECT_EQ(import->node, "cam-07");
  for (const char* words : {"Cam 07", "cretrysecs 30", "odd 1: is not known", "each its own"}) {
    EXPECT_TRUE(has_note(import, words)) << words;
  }
  EXPECT_FALSE(has_note(import, "REMARK"));
  const auto open = import_reversi(
      "reversihost:t\nreversiport:20001\nfwdport:23\nfwdportstr:NULL\nallowinternet:-g\n",
      context());
  EXPECT_EQ(told(open), "t:22 pi " + kFiles + "telnet=0.0.0.0:20001>127.0.0.1:23");
  EXPECT_TRUE(has_note(open, "GatewayPorts"));
}

TEST(ImportReversi, MistakesAreNamed) {
  for (const char* text :
       {"", "rubbish", "reversihost:t", "reversihost:t\nreversiport:x\nfwdport:1",
        "reversihost:t\nreversiport:1\nfwdport:0",
        "reversihost:t\nreversisshport:-1\nreversiport:1\nfwdport:1"}) {
    EXPECT_FALSE(import_reversi(text, context())) << text;
  }
}

TEST(Import, NothingThatIsCutOffCrashes) {
  const std::string text = kUci;
  for (std::size_t size = 0; size < text.size(); ++size) {
    static_cast<void>(
        told(import_sshtunnel(std::string_view(text).substr(0, size), "", context())));
  }
}

TEST(Import, ANodeNameIsMadeOfWhatIsThere) {
  EXPECT_EQ(as_node_name("Cam_07.example.org"), "cam-07");
  EXPECT_EQ(as_node_name("--x--"), "x");
  EXPECT_EQ(as_node_name("..."), "");
  EXPECT_EQ(as_node_name(std::string(100, 'a')).size(), 63U);
}

}  // namespace
}  // namespace reversi::client

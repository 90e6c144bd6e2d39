// The administrator's verbs as a person runs them: the real executable, its output, its exit code.
// Long because every verb passes here, each in a few lines.

#include "server/cli/verbs.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/cli/help.h"
#include "common/core/json_fields.h"
#include "server/core/public_key.h"
#include "tests/support/golden.h"
#include "tests/unit/server_core/server_builders.h"

namespace reversi::server {
namespace {

namespace fs = std::filesystem;
using namespace testing;

struct Outcome {
  int code = -1;
  std::string text;  ///< standard output and standard error
};

class VerbsTest : public ::testing::Test {
 protected:
  VerbsTest() {
    std::string pattern = (fs::temp_directory_path() / "reversi-verbs-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    dir = pattern;
    put("a.pub", kKeyA + " a\n");
    put("b.pub", kKeyB + " b\n");
    put("keys", "ssh-rsa AAAA of a person\n");
  }
  ~VerbsTest() override { fs::remove_all(dir); }

  void put(const std::string& name, const std::string& text) {
    std::ofstream(dir / name, std::ios::binary) << text;
  }
  std::string text_of(const std::string& name) const {
    std::ifstream file(dir / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  /// Runs `reversi-server ARGUMENTS`; the words are of a shell.
  Outcome run(const std::string& arguments) const {
    const std::string command = "cd " + dir.string() + " && HOME=" + dir.string() +
                                " REVERSI_STATE_DIR=" + dir.string() + "/state timeout 30 " +
                                program + " " + arguments + " 2>&1 </dev/null";
    Outcome outcome;
    FILE* pipe = ::popen(command.c_str(), "r");
    char chunk[4096];
    while (const std::size_t size = std::fread(chunk, 1, sizeof chunk, pipe)) {
      outcome.text.append(chunk, size);
    }
    const int status = ::pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    return outcome;
  }
  Json json_of(const std::string& arguments) const {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.text;
    return parse_json(outcome.text).value_or(Json());
  }
  void add(const std::string& rest) {
    const Outcome outcome = run("node add " + rest + " --authorized-keys keys");
    ASSERT_EQ(outcome.code, 0) << outcome.text;
  }

  fs::path dir;
  std::string program = REVERSI_SERVER;
};

TEST(VerbsGolden, EveryHelpTextKeepsItsForm) {
  std::string text = help_text(server_program());
  for (const Verb& verb : server_program().verbs) {
    text += "\n==== " + std::string(verb.name) + "\n" + help_text(server_program(), verb.name);
  }
  reversi::testing::expect_golden("server_help.txt", text);
}

TEST_F(VerbsTest, ANodeIsAddedWithItsLineAndItsPort) {
  const Outcome outcome =
      run("node add cam-07 --key a.pub --forward ssh:banner=SSH-2.0- --authorized-keys keys");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  EXPECT_TRUE(outcome.text.starts_with(
      "restrict,port-forwarding,permitlisten=\"localhost:20000\",permitopen=\"localhost:20000\","
      "command=\"exec /"))
      << outcome.text;
  EXPECT_TRUE(text_of("keys").starts_with("ssh-rsa AAAA of a person\n# BEGIN reversi"));
  EXPECT_NE(text_of("keys").find(outcome.text), std::string::npos);
}

TEST_F(VerbsTest, WithAnAddressTheNodeGetsAllItNeeds) {
  put("host.pub", kKeyB + " root@server\n");
  const Outcome outcome =
      run("node add cam-07 --key a.pub --forward ssh --authorized-keys keys --address "
          "tunnel.example.org:2222 --host-key host.pub --json");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  const Json doc = parse_json(outcome.text).value();
  EXPECT_EQ(doc["known_hosts"], "[tunnel.example.org]:2222 " + kKeyB + "\n");
  const auto config = parse_json(doc["client_json"].get<std::string>(), true);
  ASSERT_TRUE(config);
  EXPECT_EQ((*config)["servers"][0]["user"], ::getpwuid(::geteuid())->pw_name);
  EXPECT_EQ(doc["forwards"][0]["port"], 20000);
}

struct Mistake {
  const char* arguments;
  int code;
  const char* says;
};

TEST_F(VerbsTest, EveryMistakeIsOneLineWithItsExitCode) {
  add("cam-07 --key a.pub --forward ssh=20100");
  put("private", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
  put("two.pub", kKeyB + "\n" + kKeyB + "\n");
  const Mistake rows[] = {
      {"", 2, "verb"},
      {"stauts", 2, "did you mean \"status\""},
      {"node add", 2, "NAME"},
      {"node add ../x --key b.pub --forward ssh", 2, "node name"},
      {"node add X --key b.pub --forward ssh", 2, "node name"},
      {"node add x --key b.pub --forward Ssh", 2, "forward name"},
      {"node add x --key b.pub --forward ssh=80", 2, "below 1024"},
      {"node add x --key b.pub --forward ssh:regex=.", 2, "banner=PREFIX"},
      {"node add x --key b.pub --forward ssh --from 10.0.0.1/8", 2, "--from"},
      {"node add x --key b.pub --forward ssh --address 'a b'", 2, "--address"},
      {"node add x --key none.pub --forward ssh", 1, "none.pub"},
      {"node add x --key private --forward ssh", 1, "private key"},
      {"node add x --key two.pub --forward ssh", 1, "several lines"},
      {"node add x --key - --forward ssh", 1, "no key here"},
      {"node add x --key a.pub --forward ssh", 1, "held by node cam-07"},
      {"node add cam-07 --key b.pub --forward ssh", 1, "exists already"},
      {"node add x --key b.pub --forward ssh=20100", 1, "belongs to another node"},
      {"node add x --key b.pub --forward ssh --forward ssh", 2, "given twice"},
      {"node set cam-07 --remove-forward web", 1, "no forward"},
      {"node show x", 1, "no node x"},
      {"node disable x", 1, "no node x"},
      {"status x", 1, "no node x"},
      {"status X", 2, "node name"},
      {"events --since yesterday", 2, "--since"},
      {"evict cam-07", 3, "no session"},
      {"probe cam-07", 3, "no session"},
      {"setup", 2, "--user"},
      {"status --state-dir a.pub", 3, "not a directory"},
  };
  const std::string keys = text_of("keys");
  for (const Mistake& row : rows) {
    const Outcome outcome = run(row.arguments);
    EXPECT_EQ(outcome.code, row.code) << row.arguments << ": " << outcome.text;
    EXPECT_NE(outcome.text.find(row.says), std::string::npos) << row.arguments << outcome.text;
    EXPECT_EQ(std::ranges::count(outcome.text, '\n'), 1) << row.arguments << outcome.text;
  }
  EXPECT_EQ(text_of("keys"), keys);
  EXPECT_EQ(json_of("node list --json").size(), 1U) << "nothing was left behind";
}

TEST_F(VerbsTest, AKeyThatAPersonAlreadyHasThereIsRefused) {
  put("keys", "ssh-rsa AAAA of a person\n" + kKeyA + " mine\n");
  const Outcome outcome = run("node add x --key a.pub --forward ssh --authorized-keys keys");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.text.find("a line of its own"), std::string::npos) << outcome.text;
  EXPECT_EQ(json_of("node list --json").size(), 0U);
}

TEST_F(VerbsTest, OfTwoWhoAddOneNameAtOnceOneWins) {
  ASSERT_EQ(run("setup --user --authorized-keys keys").code, 0);
  auto first = std::async(std::launch::async,
                          [&] { return run("node add twin --key a.pub --forward ssh"); });
  auto second = std::async(std::launch::async,
                           [&] { return run("node add twin --key b.pub --forward ssh"); });
  const Outcome outcomes[] = {first.get(), second.get()};
  EXPECT_EQ(outcomes[0].code + outcomes[1].code, 1) << outcomes[0].text << outcomes[1].text;
  const Outcome& loser = outcomes[0].code == 0 ? outcomes[1] : outcomes[0];
  EXPECT_NE(loser.text.find("exists already"), std::string::npos) << loser.text;
  const std::string keys = text_of("keys");
  EXPECT_EQ(std::ranges::count(keys, '\n'), 4) << keys;
}

TEST_F(VerbsTest, DisableKeepsTheLineAndEnableRestoresIt) {
  add("cam-07 --key a.pub --forward ssh");
  const std::string keys = text_of("keys");
  ASSERT_EQ(run("node disable cam-07").code, 0);
  EXPECT_NE(text_of("keys").find("\nrestrict,command=\"exec "), std::string::npos);
  EXPECT_EQ(json_of("status cam-07 --json")["state"], "disabled");
  ASSERT_EQ(run("node enable cam-07").code, 0);
  EXPECT_EQ(text_of("keys"), keys);
  ASSERT_EQ(run("node remove cam-07").code, 0);
  EXPECT_EQ(text_of("keys"), "ssh-rsa AAAA of a person\n");
  EXPECT_FALSE(fs::exists(dir / "state/nodes/cam-07"));
}

TEST_F(VerbsTest, SetChangesWhatIsSaidAndKeepsTheRest) {
  add("cam-07 --key a.pub --forward ssh=20022:banner=SSH-2.0- --forward web --from 10.0.0.0/8");
  ASSERT_EQ(run("node set cam-07 --forward ssh=20023 --forward mail --remove-forward web "
                "--from any --key b.pub")
                .code,
            0);
  const Json doc = json_of("node show cam-07 --json");
  EXPECT_EQ(doc["forwards"], (Json{{{"name", "ssh"},
                                    {"port", 20023},
                                    {"expect", {{"kind", "banner"}, {"match", "SSH-2.0-"}}}},
                                   {{"name", "mail"}, {"port", 20000}}}));
  EXPECT_EQ(doc["from"], Json::array());
  EXPECT_EQ(doc["keys"], Json{kKeyB + " b"});
  EXPECT_EQ(text_of("keys").find(kKeyA), std::string::npos);
}

TEST_F(VerbsTest, AnOfflineNodeStaysInEveryList) {
  EXPECT_EQ(json_of("status --json"), Json::array());
  add("cam-07 --key a.pub --forward ssh");
  add("cam-08 --key b.pub --forward ssh");
  const Json all = json_of("status --json");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0]["node"], "cam-07");
  EXPECT_EQ(all[0]["state"], "never_seen");
  EXPECT_EQ(all[1]["forwards"][0]["listen"], "localhost:20001");
  EXPECT_EQ(json_of("status cam-08 --json"), all[1]) << "one object";
  EXPECT_EQ(run("status").code, 0);
  EXPECT_EQ(run("status --check").code, 1);
  EXPECT_NE(run("status").text.find("cam-08"), std::string::npos);
}

TEST_F(VerbsTest, ABrokenNodeFileIsNamedAndTheNodeStays) {
  add("cam-07 --key a.pub --forward ssh");
  put("state/nodes/cam-07/node.json", "{\"node\": ");
  EXPECT_NE(run("status").text.find("node.json: line 1"), std::string::npos);
  EXPECT_NE(run("node list").text.find("broken"), std::string::npos);
  const Outcome other = run("node add x --key b.pub --forward ssh");
  EXPECT_EQ(other.code, 3) << "its ports are not known";
  EXPECT_NE(other.text.find("cam-07/node.json"), std::string::npos) << other.text;
  EXPECT_EQ(text_of("state/nodes/cam-07/node.json"), "{\"node\": ");
  EXPECT_EQ(run("node remove cam-07").code, 0);
  EXPECT_EQ(run("node add x --key b.pub --forward ssh").code, 0);
}

TEST_F(VerbsTest, ABrokenPolicyIsReportedAndTheDefaultsServe) {
  add("cam-07 --key a.pub --forward ssh");
  put("state/server.json", "{\"port_first\": \"low\"}");
  const Outcome outcome = run("status");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.text.find("warning: "), std::string::npos);
  EXPECT_NE(outcome.text.find("server.json: port_first"), std::string::npos) << outcome.text;
}

TEST_F(VerbsTest, WithABrokenPolicyNoVerbGuessesWhichFileSshdReads) {
  add("cam-07 --key a.pub --forward ssh");
  const std::string keys = text_of("keys");
  const std::string record = text_of("state/nodes/cam-07/node.json");
  put("state/server.json", "{\"port_first\": \"low\", \"authorized_keys\": \"keys\"}");
  const std::string policy = text_of("state/server.json");
  for (const char* verb :
       {"node add x --key b.pub --forward ssh", "node set cam-07 --forward ssh=20077",
        "node disable cam-07", "node enable cam-07", "node remove cam-07", "setup --user",
        "node enable cam-07 --authorized-keys other"}) {
    const Outcome outcome = run(verb);
    EXPECT_EQ(outcome.code, 3) << verb << outcome.text;
    EXPECT_NE(outcome.text.find("doctor --repair"), std::string::npos) << verb << outcome.text;
  }
  EXPECT_EQ(text_of("keys"), keys);
  EXPECT_EQ(text_of("state/nodes/cam-07/node.json"), record);
  EXPECT_EQ(text_of("state/server.json"), policy);
  EXPECT_FALSE(fs::exists(dir / ".ssh")) << "what the defaults would take";
  EXPECT_FALSE(fs::exists(dir / "other"));
  EXPECT_FALSE(fs::exists(dir / "state/nodes/x"));
}

TEST_F(VerbsTest, EventsTellWhatTheAdminDid) {
  add("cam-07 --key a.pub --forward ssh");
  ASSERT_EQ(run("node disable cam-07").code, 0);
  const Outcome text = run("events cam-07");
  EXPECT_NE(text.text.find("added"), std::string::npos) << text.text;
  EXPECT_NE(text.text.find("disabled"), std::string::npos) << text.text;
  EXPECT_EQ(run("events --since 2h").text.find("cam-07"), 0U);
  EXPECT_EQ(run("events --since 2099-01-01T00:00:00Z").text, "");
  const std::string line = run("events --json").text;
  const auto first = parse_json(std::string_view(line).substr(0, line.find('\n')));
  ASSERT_TRUE(first) << line;
  EXPECT_EQ((*first)["node"], "cam-07");
}

TEST_F(VerbsTest, SetupDryRunChangesNothing) {
  const Outcome outcome = run("setup --user --dry-run --authorized-keys keys");
  EXPECT_EQ(outcome.code, 0) << outcome.text;
  EXPECT_FALSE(fs::exists(dir / "state"));
}

TEST_F(VerbsTest, SetupSaysWhatSshdsStrictModesWouldNotTake) {
  add("cam-07 --key a.pub --forward ssh");
  EXPECT_EQ(run("setup --user").code, 0);
  fs::create_directories(dir / "open");
  fs::copy_file(dir / "keys", dir / "open/keys");
  // A sticky directory is as open to sshd as any other.
  fs::permissions(dir / "open", fs::perms::all | fs::perms::sticky_bit);
  const Outcome outcome = run("setup --user --authorized-keys open/keys");
  EXPECT_EQ(outcome.code, 1) << outcome.text;
  EXPECT_NE(outcome.text.find("chmod go-w"), std::string::npos) << outcome.text;
  // What is above the home is not its business.
  fs::permissions(dir / "open", fs::perms::owner_all);
  EXPECT_EQ(run("setup --user").code, 0);
}

TEST_F(VerbsTest, WhatCannotBeWrittenIsAFailure) {
  add("cam-07 --key a.pub --forward ssh");
  EXPECT_EQ(run("status --json >/dev/full").code, 1);
}

TEST_F(VerbsTest, SetupRestoresEveryLine) {
  add("cam-07 --key a.pub --forward ssh");
  const std::string keys = text_of("keys");
  put("keys", "ssh-rsa AAAA of a person\n");
  ASSERT_EQ(run("setup --user").code, 0);
  EXPECT_EQ(text_of("keys"), keys);
}

TEST_F(VerbsTest, ADirectoryOfAnotherUserIsNotEnteredWithoutSudo) {
  // The system's own directories are root's; root itself becomes the owner instead.
  if (::geteuid() == 0) {
    fs::create_directory(dir / "state");
    ASSERT_EQ(::chown((dir / "state").c_str(), 65534, 65534), 0);
    ASSERT_EQ(::chown(dir.c_str(), 65534, 65534), 0);
    fs::remove(dir / "keys");
    // The account must be able to run what its lines name, wherever this was built.
    fs::copy_file(REVERSI_SERVER, dir / "reversi-server");
    program = dir / "reversi-server";
    add("cam-07 --key a.pub --forward ssh");
    struct stat info {};
    ASSERT_EQ(::stat((dir / "state/nodes/cam-07/node.json").c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 65534U);
    ASSERT_EQ(::stat((dir / "keys").c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 65534U);
    return;
  }
  const Outcome outcome = run("status --state-dir /etc");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.text.find("run with sudo"), std::string::npos) << outcome.text;
}

class KeysTest : public VerbsTest {
 protected:
  /// As sshd asks, with the words of a .pub file.
  Outcome keys(const std::string& key, const std::string& connection = "") const {
    const PublicKey parsed = public_key(key);
    return run("keys " + to_fingerprint(digest_of(parsed)) + ' ' + parsed.type + ' ' + parsed.blob +
               (connection.empty() ? "" : " '" + connection + "'"));
  }
  std::string line_of(const std::string& node) const {
    return json_of("node show " + node + " --json")["authorized_keys"][0];
  }
};

TEST_F(KeysTest, ANodesLineIsWhatNodeAddInstalls) {
  add("cam-07 --key a.pub --forward ssh --from 192.0.2.0/24");
  EXPECT_EQ(keys(kKeyA).text, line_of("cam-07") + '\n');
  EXPECT_NE(text_of("keys").find(line_of("cam-07")), std::string::npos);
  ASSERT_EQ(run("node disable cam-07").code, 0);
  EXPECT_EQ(keys(kKeyA).text, line_of("cam-07") + '\n');
  EXPECT_EQ(keys(kKeyA).text.find("port-forwarding"), std::string::npos);
  ASSERT_EQ(run("node remove cam-07").code, 0);
  EXPECT_EQ(keys(kKeyA).text, "");
}

TEST_F(KeysTest, AnUnknownKeyWaitsUntilItIsApproved) {
  EXPECT_EQ(run("node pending").text, "no key waits for approval\n");
  const Outcome unknown = keys(kKeyA, "203.0.113.7 5000 192.0.2.1 22");
  EXPECT_EQ(unknown.code, 0);
  EXPECT_EQ(unknown.text, "");
  EXPECT_EQ(keys(kKeyB).text, "");
  const Json pending = json_of("node pending --json");
  ASSERT_EQ(pending.size(), 2U);
  EXPECT_EQ(pending[0]["address"], "203.0.113.7");
  EXPECT_EQ(pending[0]["proved"], false);
  EXPECT_TRUE(pending[1]["address"].is_null());
  const std::string print = pending[0]["fingerprint"];
  const std::string rest = " --forward ssh=20050 --authorized-keys keys";
  EXPECT_EQ(run("node approve SHA256:nothingatall cam-07" + rest).code, 1);
  EXPECT_EQ(run("node approve SHA256: cam-07" + rest).code, 2);
  EXPECT_EQ(run("node approve '' cam-07" + rest).code, 2);
  const Outcome approved = run("node approve " + print.substr(0, 16) + " cam-07" + rest);
  EXPECT_EQ(approved.code, 0) << approved.text;
  EXPECT_EQ(keys(kKeyA).text, line_of("cam-07") + '\n');
  EXPECT_EQ(json_of("node pending --json").size(), 1U);
  EXPECT_EQ(run("node approve " + print + " cam-08" + rest).code, 1) << "no longer pending";
  EXPECT_EQ(run("node deny").code, 2);
  EXPECT_EQ(run("node deny --all").code, 0);
  EXPECT_EQ(json_of("node pending --json").size(), 0U);
}

TEST_F(KeysTest, NodeAddTakesAWaitingKeyToo) {
  EXPECT_EQ(keys(kKeyA).code, 0);
  add("cam-07 --key a.pub --forward ssh");
  EXPECT_EQ(json_of("node pending --json").size(), 0U);
}

TEST_F(KeysTest, AKeyFromOutsideItsRangesIsTheLastRefused) {
  add("cam-07 --key a.pub --forward ssh --from 192.0.2.0/24");
  EXPECT_EQ(keys(kKeyA, "192.0.2.9 5000 192.0.2.1 22").code, 0);
  EXPECT_TRUE(json_of("node show cam-07 --json")["last_refused"].is_null());
  EXPECT_EQ(keys(kKeyA, "UNKNOWN 65535 UNKNOWN 65535").code, 0);
  EXPECT_TRUE(json_of("node show cam-07 --json")["last_refused"].is_null());
  EXPECT_EQ(keys(kKeyA, "203.0.113.7 5000 192.0.2.1 22").code, 0);
  EXPECT_EQ(json_of("node show cam-07 --json")["last_refused"]["address"], "203.0.113.7");
}

TEST_F(KeysTest, WordsThatAreNoKeyAreAnsweredWithNothing) {
  for (const char* words : {"SHA256:x ssh-dss AAAAB3NzaC1kc3MAAACBAP==",
                            "SHA256:x ssh-ed25519 AAAA", "x ssh-ed25519-cert-v01@openssh.com AAAA",
                            "x x x", "'' '' ''", "x 'ssh-ed25519 a' '../../etc/passwd'"}) {
    const Outcome outcome = run(std::string("keys ") + words);
    EXPECT_EQ(outcome.code, 0) << words << outcome.text;
    EXPECT_EQ(outcome.text, "") << words;
  }
  EXPECT_EQ(run("keys SHA256:x " + kKeyA).code, 2) << "words in another order";
  EXPECT_EQ(run("keys MD5:aa:bb " + kKeyA).code, 0);
  EXPECT_EQ(run("keys").code, 2);
}

TEST_F(VerbsTest, SetupWantsToKnowWhichOfBoth) {
  EXPECT_EQ(run("setup").code, 2);
  EXPECT_EQ(run("setup --user --system").code, 2);
}

}  // namespace
}  // namespace reversi::server

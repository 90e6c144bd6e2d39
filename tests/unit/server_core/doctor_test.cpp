#include "server/core/doctor.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "server_builders.h"

namespace reversi::server {
namespace {

using testing::kCommand;

NodeRecord record(const std::string& name, Port port, char key) {
  const std::string blob = std::string("AAAAC3NzaC1lZDI1NTE5AAAAI") + std::string(43, key);
  return {*NodeName::parse(name),
          true,
          {{"ssh-ed25519", blob, "of " + name}},
          {{*ForwardName::parse("ssh"), port, {}}},
          {}};
}

DoctorNode doctor_node(const NodeRecord& of) {
  return {of.node.text(), of, "", *authorized_lines(of, kCommand), "192.0.2.7"};
}

/// The lines of every node, as they should be.
void install(DoctorFacts& f) {
  f.keys.lines.clear();
  for (const DoctorNode& each : f.nodes) {
    for (const std::string& line : each.lines) {
      f.keys.lines.push_back({static_cast<int>(f.keys.lines.size()) + 2, line, true, each.name});
    }
  }
}

/// A server on which nothing is wrong: what config/sshd_reversi.conf says, one node.
DoctorFacts good() {
  DoctorFacts f;
  f.sshd.version = {9, 2};
  f.sshd.settings = parse_sshd_settings(
      "usepam yes\ngatewayports no\nallowtcpforwarding yes\ndisableforwarding no\n"
      "allowstreamlocalforwarding no\nforcecommand none\nchrootdirectory none\nmaxsessions 2\n"
      "maxstartups 10:30:100\npersourcemaxstartups none\npubkeyauthentication yes\n"
      "authenticationmethods publickey\npubkeyacceptedalgorithms ssh-ed25519,rsa-sha2-512\n"
      "permitrootlogin no\nauthorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2\n"
      "clientaliveinterval 0\nclientalivecountmax 3\nexposeauthinfo no\nusedns no\n"
      "permitopen any\npermitlisten any\nstrictmodes yes\n");
  f.account.name = "reversi";
  f.account.uid = 998;
  f.account.home = "/home/reversi";
  f.account.shell = "/bin/sh";
  f.account.groups = {"reversi"};
  f.account.password = "*";
  f.keys.path = "/home/reversi/.ssh/authorized_keys";
  f.keys.way = {
      {f.keys.path, 998, 0600}, {"/home/reversi/.ssh", 998, 0700}, {"/home/reversi", 0, 0755}};
  f.keys.executable = kCommand.executable;
  f.state_dir = kCommand.state_dir;
  f.nodes = {doctor_node(record("cam-07", 20'000, 'a'))};
  f.free_bytes = 1ULL << 30;
  f.free_inodes = 100'000;
  f.proc_options = "rw,nosuid,nodev,noexec,relatime";
  f.account_gids = {998};
  f.ephemeral = PortRange{32'768, 60'999};
  f.now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21};
  install(f);
  return f;
}

void set(DoctorFacts& f, const std::string& keyword, const std::string& value) {
  f.sshd.settings[keyword] = {value};
}

/// Replaces a part of the node's line, which must have it.
void spoil_line(DoctorFacts& f, const std::string& part, const std::string& with) {
  const auto at = f.keys.lines.at(0).text.find(part);
  ASSERT_NE(at, std::string::npos) << part;
  f.keys.lines.at(0).text.replace(at, part.size(), with);
}

/// What is spoilt, and the only row that may say so.
struct Case {
  std::string id;
  std::string what_names;  ///< a word that the finding has to name
  void (*spoil)(DoctorFacts& f);
};

const std::vector<Case>& cases() {
  using F = DoctorFacts;
  static const std::vector<Case> kCases{
      {"sshd_unread", "no hostkeys",
       [](F& f) {
         f.sshd.settings.clear();
         f.sshd.problem = "sshd -T: no hostkeys available";
       }},
      {"sshd_too_old", "7.8",
       [](F& f) {
         f.sshd.version = {7, 7};
       }},
      {"gateway_ports", "GatewayPorts", [](F& f) { set(f, "gatewayports", "yes"); }},
      {"gateway_ports_by_client", "clientspecified",
       [](F& f) { set(f, "gatewayports", "clientspecified"); }},
      {"tcp_forwarding", "local", [](F& f) { set(f, "allowtcpforwarding", "local"); }},
      {"tcp_forwarding", "no", [](F& f) { set(f, "allowtcpforwarding", "no"); }},
      {"canary_forwarding", "canary", [](F& f) { set(f, "allowtcpforwarding", "remote"); }},
      {"disable_forwarding", "yes", [](F& f) { set(f, "disableforwarding", "yes"); }},
      {"stream_local", "trust each other",
       [](F& f) { set(f, "allowstreamlocalforwarding", "yes"); }},
      {"stream_local", "remote", [](F& f) { set(f, "allowstreamlocalforwarding", "remote"); }},
      {"permit_listen", "20000",
       [](F& f) { set(f, "permitlisten", "localhost:20001 localhost:2000"); }},
      {"permit_open", "20000", [](F& f) { set(f, "permitopen", "none"); }},
      {"force_command", "internal-sftp", [](F& f) { set(f, "forcecommand", "internal-sftp"); }},
      {"chroot", "/srv", [](F& f) { set(f, "chrootdirectory", "/srv"); }},
      {"max_sessions", "0", [](F& f) { set(f, "maxsessions", "0"); }},
      {"max_startups", "11 nodes",
       [](F& f) {
         for (Port i = 1; i <= 10; ++i) {
           f.nodes.push_back(
               doctor_node(record("n" + std::to_string(i), static_cast<Port>(20'000 + i),
                                  static_cast<char>('a' + i))));
           f.nodes.back().client_address.clear();
         }
         install(f);
       }},
      {"per_source_startups", "one address",
       [](F& f) {
         set(f, "persourcemaxstartups", "1");
         f.nodes.push_back(doctor_node(record("cam-08", 20'001, 'b')));
         install(f);
       }},
      {"penalties_behind_nat", "2 nodes",
       [](F& f) {
         set(f, "persourcepenalties", "crash:90 authfail:5 noauth:1");
         set(f, "persourcepenaltyexemptlist", "none");
         f.nodes.push_back(doctor_node(record("cam-08", 20'001, 'b')));
         install(f);
       }},
      {"penalties", "NAT", [](F& f) { set(f, "persourcepenalties", "crash:90 authfail:5"); }},
      {"public_key_off", "no node", [](F& f) { set(f, "pubkeyauthentication", "no"); }},
      {"authentication_methods", "publickey,password",
       [](F& f) { set(f, "authenticationmethods", "publickey,password"); }},
      {"key_type", "ssh-ed25519", [](F& f) { set(f, "pubkeyacceptedalgorithms", "rsa-sha2-512"); }},
      {"user_not_allowed", "reversi", [](F& f) { set(f, "allowusers", "admin"); }},
      {"user_not_allowed", "reversi", [](F& f) { set(f, "denygroups", "rev*"); }},
      {"root_login", "root",
       [](F& f) {
         f.account.uid = 0;
         for (PathFacts& part : f.keys.way) part.uid = 0;
       }},
      {"keys_file_elsewhere", "/etc/ssh/keys/%u",
       [](F& f) { set(f, "authorizedkeysfile", "/etc/ssh/keys/%u"); }},
      {"client_alive_hasty", "3 × ",
       [](F& f) {
         f.sshd.version = {10, 0};
         set(f, "clientaliveinterval", "3");
       }},
      {"client_alive_costs", "15",
       [](F& f) {
         f.sshd.version = {10, 0};
         set(f, "clientaliveinterval", "15");
       }},
      {"client_alive_late", "twice", [](F& f) { set(f, "clientaliveinterval", "300"); }},
      {"expose_auth_info", "/tmp", [](F& f) { set(f, "exposeauthinfo", "yes"); }},
      {"use_dns", "UseDNS", [](F& f) { set(f, "usedns", "yes"); }},
      {"sshrc", "sshrc", [](F& f) { f.sshd.has_sshrc = true; }},
      {"shell", "/usr/sbin/nologin", [](F& f) { f.account.shell = "/usr/sbin/nologin"; }},
      {"shell", "/bin/gone",
       [](F& f) {
         f.account.shell = "/bin/gone";
         f.account.is_shell_executable = false;
       }},
      {"password_locks", "UsePAM",
       [](F& f) {
         set(f, "usepam", "no");
         f.account.password = "!";
       }},
      {"password_would_lock", "locked", [](F& f) { f.account.password = "!*"; }},
      {"shadow_unread", "not looked at", [](F& f) { f.account.password.reset(); }},
      {"account_expired", "expired", [](F& f) { f.account.expires_day = 1; }},
      {"account_expires", "10 days", [](F& f) { f.account.expires_day = 20'778 + 10; }},
      {"password_expired", "next login", [](F& f) { f.account.must_change_password = true; }},
      {"strict_modes", "/home/reversi is writable", [](F& f) { f.keys.way[2].mode = 0775; }},
      {"strict_modes", "another user", [](F& f) { f.keys.way[0].uid = 1000; }},
      {"keys_file", "damaged",
       [](F& f) {
         f.keys.lines.clear();
         f.keys.problem = "authorized_keys: the block is damaged";
       }},
      {"keys_line_missing", "cam-07", [](F& f) { f.keys.lines.clear(); }},
      {"keys_line_unrestricted", "line 2", [](F& f) { spoil_line(f, "restrict,", ""); }},
      {"keys_line_listens_anywhere", "permitlisten",
       [](F& f) { spoil_line(f, "permitlisten=\"localhost:20000\",", ""); }},
      {"keys_line_opens_anything", "permitopen",
       [](F& f) { spoil_line(f, "permitopen=\"localhost:20000\",", ""); }},
      {"keys_line_gone_program", "/old/reversi-server",
       [](F& f) { f.keys.gone_executables = {"/old/reversi-server"}; }},
      {"keys_line_differs", "another program", [](F& f) { spoil_line(f, "/usr/bin", "/opt/bin"); }},
      {"keys_line_differs", "registered",
       [](F& f) { spoil_line(f, "localhost:20000", "localhost:20009"); }},
      {"keys_line_of_nobody", "gone-1",
       [](F& f) {
         f.keys.lines.push_back({9, "restrict ssh-ed25519 AAAA", true, "gone-1"});
       }},
      {"foreign_keys", "line 1",
       [](F& f) {
         f.keys.lines.push_back({1, "ssh-ed25519 AAAA me", false, ""});
       }},
      {"state_file_owner", "node.json", [](F& f) { f.foreign_files = {"/x/node.json"}; }},
      {"state_dir_mode", "/var/lib/reversi", [](F& f) { f.state_mode = 0755; }},
      {"policy_broken", "line 1",
       [](F& f) {
         f.policy_problem = "server.json: line 1";
         f.is_policy_broken = true;
       }},
      {"policy_unknown_keys", "hearbeat_ms",
       [](F& f) { f.policy_problem = "server.json: unknown key hearbeat_ms"; }},
      {"node_broken", "column 2",
       [](F& f) {
         f.nodes[0].record.reset();
         f.nodes[0].lines.clear();
         f.nodes[0].problem = "node.json: line 1, column 2: …";
       }},
      {"port_twice", "20000",
       [](F& f) {
         f.nodes.push_back(doctor_node(record("cam-08", 20'000, 'b')));
         install(f);
       }},
      {"key_twice", "cam-08",
       [](F& f) {
         f.nodes.push_back(doctor_node(record("cam-08", 20'001, 'a')));
         install(f);
       }},
      {"disk_full", "full", [](F& f) { f.free_inodes = 0; }},
      {"disk_nearly_full", "little", [](F& f) { f.free_bytes = 10'000'000; }},
      {"hidepid", "/proc", [](F& f) { f.proc_options = "rw,hidepid=invisible"; }},
      {"tcp_diag", "INET_DIAG", [](F& f) { f.tells_progress = false; }},
      {"ephemeral_range", "15000–60999",
       [](F& f) {
         f.ephemeral = PortRange{15'000, 60'999};
       }},
      {"ephemeral_port", "40000",
       [](F& f) {
         f.nodes = {doctor_node(record("cam-07", 40'000, 'a'))};
         install(f);
       }},
      {"clock", "1970", [](F& f) { f.now = WallTime{}; }},
  };
  return kCases;
}

TEST(Doctor, AGoodServerHasNoFindings) {
  EXPECT_EQ(findings_text(diagnose(good())), "nothing found\n");
  DoctorFacts fine = good();
  fine.proc_options = "rw,hidepid=2,gid=998";
  set(fine, "permitlisten", "localhost:* 22");
  set(fine, "allowusers", "admin rev*@10.0.0.0/8");
  set(fine, "authorizedkeysfile", "none %h/.ssh/authorized_keys");
  set(fine, "persourcepenalties", "no");
  fine.ephemeral = PortRange{15'000, 60'999};
  fine.reserved = {{20'000, 29'999}};
  EXPECT_EQ(findings_text(diagnose(fine)), "nothing found\n");
  set(fine, "authorizedkeysfile", "none");
  set(fine, "authorizedkeyscommand", "/usr/bin/reversi-server keys %f %t %k");
  fine.keys.lines.clear();
  EXPECT_EQ(findings_text(diagnose(fine)), "nothing found\n");
}

TEST(Doctor, EachFaultIsFoundByItsRowAndNoOther) {
  for (const Case& each : cases()) {
    DoctorFacts facts = good();
    each.spoil(facts);
    const auto findings = diagnose(facts);
    ASSERT_EQ(findings.size(), 1U) << each.id << ":\n" << findings_text(findings);
    EXPECT_EQ(findings[0].id, each.id);
    EXPECT_NE(findings[0].what.find(each.what_names), std::string::npos)
        << each.id << ": " << findings[0].what;
    EXPECT_FALSE(findings[0].cure.empty()) << each.id;
  }
}

TEST(Doctor, EveryRowHasACase) {
  std::set<std::string> tried;
  for (const Case& each : cases()) tried.insert(each.id);
  std::set<std::string> known;
  for (const DoctorRow& row : doctor_rows()) {
    EXPECT_TRUE(known.emplace(row.id).second) << row.id << " stands twice";
  }
  EXPECT_EQ(tried, known);
}

TEST(Doctor, TheReferenceNamesEveryRow) {
  std::ifstream file(REVERSI_GOLDEN_DIR "/../../docs/doctor.md");
  std::ostringstream text;
  text << file.rdbuf();
  constexpr std::array kWords{"| serious |", "| warning |", "| note |"};
  for (const DoctorRow& row : doctor_rows()) {
    const auto at = text.str().find('`' + std::string(row.id) + '`');
    ASSERT_NE(at, std::string::npos) << row.id << " is missing in docs/doctor.md";
    const auto line = text.str().rfind('\n', at) + 1;
    EXPECT_TRUE(
        text.str().substr(line).starts_with(kWords.at(static_cast<std::size_t>(row.severity))))
        << row.id << " stands in the wrong line of docs/doctor.md";
  }
}

TEST(Doctor, SeriousOnesComeFirstAndAreCounted) {
  DoctorFacts facts = good();
  set(facts, "usedns", "yes");
  set(facts, "gatewayports", "yes");
  set(facts, "maxsessions", "0");
  const auto findings = diagnose(facts);
  const std::string text = findings_text(findings);
  EXPECT_TRUE(text.starts_with("serious  GatewayPorts is yes")) << text;
  EXPECT_TRUE(text.ends_with("\n2 serious, 1 note\n")) << text;
  EXPECT_TRUE(has_serious(findings));
  EXPECT_FALSE(has_serious({findings.back()}));
}

TEST(SshdSettings, AreReadLineByLine) {
  const auto settings = parse_sshd_settings("acceptenv LANG\nacceptenv LC_*\r\nbanner\n\n x\n");
  EXPECT_EQ(settings.at("acceptenv"), (std::vector<std::string>{"LANG", "LC_*"}));
  EXPECT_EQ(settings.at("banner"), (std::vector<std::string>{""}));
  EXPECT_EQ(settings.size(), 2U);
}

TEST(SshdVersion, IsFoundInWhatItPrints) {
  EXPECT_EQ(parse_sshd_version("OpenSSH_9.2p1 Debian-2"), (SshdVersion{9, 2}));
  EXPECT_EQ(parse_sshd_version("unknown option -- V\nOpenSSH_8.4p1, OpenSSL"), (SshdVersion{8, 4}));
  for (const char* text : {"", "OpenSSH_", "OpenSSH_9", "OpenSSH_9.", "OpenSSH_x.y", "dropbear"}) {
    EXPECT_EQ(parse_sshd_version(text), SshdVersion{}) << text;
  }
}

/// The node's lines in authorized_keys, as read back.
std::vector<KeyLine> lines_of(const NodeRecord& record) {
  std::vector<KeyLine> lines;
  const auto texts = authorized_lines(record, kCommand).value();
  for (const std::string& text : texts) lines.push_back({1, text, true, record.node.text()});
  return lines;
}

TEST(Repair, ANodeIsMadeAnewFromItsLines) {
  NodeRecord lost = testing::cam_07();
  lost.keys.push_back(testing::public_key(testing::kKeyB));
  lost.forwards.push_back({testing::forward_name("web"), 20'005, {}});
  lost.from = {"192.0.2.0/24", "2001:db8::/32"};
  const auto found = record_from_lines(lost.node, lines_of(lost));
  ASSERT_TRUE(found) << found.error().line();
  EXPECT_EQ(*found, lost);
}

TEST(Repair, ADisabledNodeStaysDisabled) {
  NodeRecord lost = testing::cam_07();
  lost.enabled = false;
  const auto found = record_from_lines(lost.node, lines_of(lost));
  ASSERT_TRUE(found) << found.error().line();
  EXPECT_EQ(*found, lost);
}

TEST(Repair, AKeyInRotationStaysInRotation) {
  NodeRecord lost = testing::cam_07();
  lost.keys.push_back(testing::public_key(testing::kKeyB));
  lost.next_key = lost.keys.back();
  const auto found = record_from_lines(lost.node, lines_of(lost));
  ASSERT_TRUE(found) << found.error().line();
  EXPECT_EQ(*found, lost);
}

TEST(Repair, WhatCannotBeReadIsNotGuessed) {
  const NodeRecord lost = testing::cam_07();
  EXPECT_EQ(record_from_lines(lost.node, {}).error().code(), Errc::not_found);
  EXPECT_FALSE(record_from_lines(testing::node_name("cam-08"), lines_of(lost)));
  const std::string whole = lines_of(lost).at(0).text;
  std::string spoilt = whole;
  spoilt.replace(spoilt.find("ssh=20001"), 9, "ssh=99999");
  EXPECT_FALSE(record_from_lines(lost.node, {{1, spoilt, true, "cam-07"}}));
  for (std::size_t size = 0; size + std::string(" cam").size() < whole.size(); ++size) {
    // Whatever of the key is cut off: no crash, no half a node.
    EXPECT_FALSE(record_from_lines(lost.node, {{1, whole.substr(0, size), true, "cam-07"}}));
  }
}

}  // namespace
}  // namespace reversi::server

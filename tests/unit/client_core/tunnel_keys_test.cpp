// A key in rotation, and what the server says of itself.

#include "tests/unit/client_core/tunnel_fixture.h"

namespace reversi::client {
namespace {

TEST_F(TunnelTest, ARequestForAKeyMakesOneAndTheAnswerGoesBack) {
  to_ready();
  agent(1ms, RotateKey{"q1"});
  ASSERT_EQ(did<action::MakeKey>().size(), 1U);
  EXPECT_EQ(did<action::MakeKey>()[0].identity_file, "/k");
  after(1ms, event::KeyMade{"q1", "ssh-ed25519 AAAA", ""});
  ASSERT_EQ(told<Rotated>().size(), 1U);
  EXPECT_EQ(told<Rotated>()[0], (Rotated{"q1", "ssh-ed25519 AAAA", ""}));
  after(1ms, event::KeyMade{"q2", "", "/k.next: Read-only file system"});
  EXPECT_EQ(told<Rotated>().at(0).error, "/k.next: Read-only file system");
}

TEST_F(TunnelTest, AKeyThatIsMadeAfterTheEndOfTheSessionIsOfferedToNobody) {
  to_ready();
  worker(1ms, Failed{Failure::closed, "gone"});
  after(1ms, event::KeyMade{"q1", "ssh-ed25519 AAAA", ""});
  EXPECT_TRUE(told<Rotated>().empty());
}

TEST_F(TunnelTest, OnlyAWelcomeToTheNextKeyPutsItInPlace) {
  to_starting();
  worker(1ms, Connected{"192.0.2.7:22", "SHA256:x", "/k.next"});
  EXPECT_TRUE(did<action::AdoptKey>().empty()) << "the server may yet refuse the session";
  agent(1ms, welcome());
  ASSERT_EQ(did<action::AdoptKey>().size(), 1U);
  EXPECT_EQ(did<action::AdoptKey>()[0].identity_file, "/k");
}

TEST_F(TunnelTest, ANextKeyThatNoWelcomeFollowsIsLeftOutOnce) {
  to_starting();
  worker(1ms, Connected{"192.0.2.7:22", "SHA256:x", "/k.next"});
  for (const bool is_left_out : {true, false}) {
    worker(1ms, Failed{Failure::closed, "gone"});
    after(1ms, event::WorkerExited{"exit code 10"});
    if (is() == "waiting") after(60s, event::Tick{});
    ASSERT_EQ(sent<Start>().size(), 1U);
    EXPECT_EQ(sent<Start>()[0].leaves_out_next, is_left_out);
  }
}

TEST_F(TunnelTest, WithSeveralServersTheOldKeyIsSparedUnlessItHasJustBeenTaken) {
  ClientConfig config = two_forwards();
  config.servers.push_back({{"b.example", 22}, "reversi"});
  for (const char* file : {"/k", "/k.old"}) {
    begin(config);
    to_starting();
    worker(1ms, Connected{"192.0.2.7:22", "SHA256:x", file});
    agent(1ms, welcome());
    agent(1ms, RotateKey{"q1"});
    ASSERT_EQ(did<action::MakeKey>().size(), 1U);
    EXPECT_EQ(did<action::MakeKey>()[0].spares_old, std::string(file) == "/k");
  }
}

TEST_F(TunnelTest, AWelcomeToAnotherKeyMovesNoFile) {
  for (const char* file : {"/k", "/k.old"}) {
    begin(two_forwards());
    to_starting();
    worker(1ms, Connected{"192.0.2.7:22", "SHA256:x", file});
    agent(1ms, welcome());
    EXPECT_TRUE(did<action::AdoptKey>().empty()) << file;
  }
}

TEST_F(TunnelTest, WhatTheServerSaysOfItselfIsLearnedFromWelcomeAndAnnounce) {
  to_starting();
  worker(1ms, Connected{"192.0.2.7:22", "SHA256:x", "/k", "ssh-ed25519 HOST"});
  Welcome message = welcome();
  message.host_keys = {"ssh-ed25519 HOST"};
  agent(1ms, message);
  ASSERT_EQ(did<action::Learn>().size(), 1U);
  EXPECT_EQ(did<action::Learn>()[0].announcement.host_key, "ssh-ed25519 HOST");
  EXPECT_EQ(did<action::Learn>()[0].announcement.at.endpoint.host, "a.example");
  agent(1ms, Announce{{}, {"b.example:22"}});
  ASSERT_EQ(did<action::Learn>().size(), 1U);
  EXPECT_EQ(did<action::Learn>()[0].announcement.servers, std::vector<std::string>{"b.example:22"});
}

TEST_F(TunnelTest, ALearnedServerIsTriedWhenTheConfiguredOneIsGoneAndCostsNoSession) {
  to_ready();
  auto more = std::make_shared<TunnelSetup>(*setup);
  more->config.servers.push_back({{"b.example", 22}, "reversi"});
  after(1ms, event::ServersLearned{more});
  EXPECT_EQ(is(), "ready");
  EXPECT_EQ(tunnel.server, 0U);
  worker(1ms, Failed{Failure::lost, "gone"});
  after(1ms, event::WorkerExited{"exit code 10"});
  ASSERT_EQ(sent<Start>().size(), 1U);
  EXPECT_EQ(sent<Start>()[0].server.host, "a.example");
  worker(1ms, Failed{Failure::no_answer, "no route"});
  after(1ms, event::WorkerExited{"exit code 10"});
  ASSERT_EQ(sent<Start>().size(), 1U);
  EXPECT_EQ(sent<Start>()[0].server.host, "b.example");
}

TEST_F(TunnelTest, AServerThatIsNoLongerNamedStaysUntilItsSessionEnds) {
  ClientConfig config = two_forwards();
  const auto only_a = std::make_shared<TunnelSetup>(TunnelSetup{config, {}, {}});
  config.servers.push_back({{"b.example", 22}, "reversi"});
  begin(config);
  to_starting();
  worker(1ms, Failed{Failure::no_answer, "no route"});
  after(1ms, event::WorkerExited{"exit code 10"});
  worker(1ms, Connected{"192.0.2.8:22", "SHA256:x"});
  agent(1ms, welcome());
  ASSERT_EQ(tunnel.server, 1U);
  after(1ms, event::ServersLearned{only_a});
  ASSERT_EQ(tunnel.server, 1U);
  EXPECT_EQ(tunnel.setup->config.servers.at(1).endpoint.host, "b.example");
}

}  // namespace
}  // namespace reversi::client

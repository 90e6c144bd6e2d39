#include "common/core/protocol.h"

#include <type_traits>

#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace reversi {
namespace {

std::vector<ClientMessage> client_examples() {
  Hello hello{.features = client_features(),
              .node = "cam-07",
              .instance = "8c1f",
              .run = "77aa",
              .machine = "d41d",
              .client_version = "0.1.0",
              .os = "linux",
              .arch = "mips",
              .metered = true};
  hello.forwards = {
      {"ssh", "127.0.0.1:22", {}, Expect{.kind = Expect::Kind::banner, .match = "SSH-2.0-"}},
      {"cam", "192.168.1.20:80", "localhost:20002", {}}};
  return {hello,
          Forwarded{"ssh", true, ""},
          Forwarded{"cam", false, "refused by the server"},
          Ready{},
          Heartbeat{7},
          Check{},
          Check{"ssh"},
          PathSeen{3, TargetOutcome::refused},
          Pong{9},
          Rotated{"r-1", "ssh-ed25519 AAAA reversi", ""},
          Rotated{"r-2", "", "/etc/reversi: read-only file system"},
          Bye{"stopping"}};
}

std::vector<AgentMessage> agent_examples() {
  return {Welcome{.features = agent_features(),
                  .session = "s-1",
                  .server_version = "0.1.0",
                  .grants = {{"ssh", "localhost:20001"}},
                  .not_granted = {"cam"},
                  .policy = {},
                  .host_keys = {"ssh-ed25519 AAAA"},
                  .servers = {"tunnel.example.org:22"}},
          Refused{RefusedReason::duplicate, "another machine holds this name", Millis{60'000}},
          HeartbeatAck{7},
          ExpectProbe{3, "ssh", 40123},
          Ping{9},
          VerdictReport{"ssh", Verdict::healthy, "", Millis{12}},
          VerdictReport{"cam", Verdict::service_down, "refused", {}},
          ForwardAgain{"ssh"},
          Restart{"hung", Millis{0}},
          RotateKey{"r-1"},
          Announce{{"ssh-ed25519 AAAA"}, {"tunnel.example.org:22"}},
          Draining{Millis{5000}}};
}

TEST(ProtocolGolden, EveryMessageKeepsItsWireForm) {
  std::string lines;
  for (const auto& message : client_examples()) lines += encode(message);
  for (const auto& message : agent_examples()) lines += encode(message);
  testing::expect_golden("protocol.jsonl", lines);
}

TEST(Protocol, EveryTypeHasAnExample) {
  std::vector<bool> client(std::variant_size_v<ClientMessage>),
      agent(std::variant_size_v<AgentMessage>);
  for (const auto& message : client_examples()) client[message.index()] = true;
  for (const auto& message : agent_examples()) agent[message.index()] = true;
  // Only Unknown, the last of each, is never sent.
  EXPECT_EQ(std::count(client.begin(), client.end(), false), 1);
  EXPECT_EQ(std::count(agent.begin(), agent.end(), false), 1);
}

TEST(Protocol, WhatIsEncodedIsDecoded) {
  for (const auto& message : client_examples()) {
    std::string line = encode(message);
    line.pop_back();
    EXPECT_EQ(decode_client_message(line).value(), message) << line;
  }
  for (const auto& message : agent_examples()) {
    std::string line = encode(message);
    line.pop_back();
    EXPECT_EQ(decode_agent_message(line).value(), message) << line;
  }
}

TEST(Protocol, AnUnknownTypeOrFieldIsNoMistake) {
  EXPECT_EQ(decode_client_message(R"({"type":"dance"})").value(), ClientMessage{Unknown{"dance"}});
  EXPECT_EQ(decode_client_message(R"({"type":"heartbeat","seq":1,"mood":"good"})").value(),
            ClientMessage{Heartbeat{1}});
  EXPECT_EQ(encode(ClientMessage{Unknown{"dance"}}), "");
}

TEST(Protocol, ALaterReasonForRefusingMeansBusy) {
  const auto message =
      decode_agent_message(R"({"type":"refused","reason":"moon","retry_after_ms":5})");
  EXPECT_EQ(std::get<Refused>(message.value()).reason, RefusedReason::busy);
}

TEST(Protocol, EveryMistakeNamesTypeAndField) {
  const auto error_of = [](std::string_view line) {
    const auto message = decode_client_message(line);
    return message ? std::string("no error") : message.error().line();
  };
  EXPECT_EQ(error_of("hello"), "not a JSON object");
  EXPECT_EQ(error_of("[]"), "not a JSON object");
  EXPECT_EQ(error_of("{}"), "type: missing");
  EXPECT_EQ(error_of(R"({"type":7})"), "type: expected a text");
  EXPECT_EQ(error_of(R"({"type":"heartbeat"})"), "heartbeat: seq: missing");
  EXPECT_EQ(error_of(R"({"type":"heartbeat","seq":-1})"),
            "heartbeat: seq: expected a whole number from 0 to 9007199254740992");
  EXPECT_EQ(error_of(R"({"type":"path_seen","probe":1,"target":"maybe"})"),
            "path_seen: target: unknown outcome");
  EXPECT_EQ(decode_client_message("{}").error().code(), Errc::protocol);
}

TEST(Protocol, HelloIsBounded) {
  std::string line = encode(client_examples().front());
  const auto grown = [&](const std::string& key, std::size_t bytes) {
    const std::string from = "\"" + key + "\":\"";
    std::string copy = line;
    copy.insert(copy.find(from) + from.size(), std::string(bytes, 'x'));
    return copy;
  };
  for (const char* key : {"node", "instance", "run", "machine", "client_version", "os", "arch"}) {
    EXPECT_FALSE(decode_client_message(grown(key, kMaxNameBytes + 1))) << key;
  }
  std::string forwards;
  for (std::size_t i = 0; i <= kMaxForwards; ++i) forwards += R"({"name":"a","target":"b:1"},)";
  line.insert(line.find("\"forwards\":[") + 12, forwards);
  EXPECT_FALSE(decode_client_message(line)) << "33 forwards and more";
}

TEST(Protocol, OnlyOptionalTypesAreFeatures) {
  EXPECT_EQ(client_features(),
            (std::vector<std::string>{"expect_probe", "ping", "verdict", "forward_again", "restart",
                                      "rotate_key", "announce", "draining"}));
  EXPECT_EQ(agent_features(),
            (std::vector<std::string>{"check", "path_seen", "pong", "rotated", "bye"}));
}

}  // namespace
}  // namespace reversi

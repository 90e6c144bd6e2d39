#include "client/core/worker_messages.h"

#include <array>

#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace reversi::client {
namespace {

const auto kCommands = std::to_array<WorkerCommand>({
    Start{.server = {"tunnel.example.org", 22},
          .user = "reversi",
          .identity_file = "/etc/reversi/id_ed25519",
          .known_hosts_files = {"/etc/reversi/known_hosts", "/var/lib/reversi/learned"},
          .run_as = "nobody",
          .connect_limit = Millis{15'000},
          .max_buffered_bytes = 5'000'000,
          .agent = true},
    Forward{.forward = "ssh", .listen = {"localhost", 20'001}, .target = Endpoint{"::1", 22}},
    Forward{
        .forward = "mail", .listen = {"localhost", 20'002}, .target = UnixPath{"/run/mail.sock"}},
    Retarget{.forward = "ssh", .target = Endpoint{"192.168.1.20", 80}},
    OpenCanary{.listen = {"127.0.0.1", 19'922}, .destination = {"localhost", 20'001}},
    AgentLine{.line = R"({"type":"hello"})"},
    WatchProbe{.probe = 7, .forward = "ssh", .originator_port = 65'535},
    TakeSample{},
    Alive{},
});

const auto kEvents = std::to_array<WorkerEvent>({
    Connected{.address = "192.0.2.7:22",
              .host_key = "SHA256:abc",
              .identity_file = "/k",
              .host_key_line = "ssh-ed25519 AAAA"},
    Failed{.failure = Failure::host_key, .text = "host key of x changed"},
    AgentLine{.line = R"({"type":"welcome"})"},
    ForwardReply{.forward = "ssh", .listens = true, .error = {}},
    ForwardReply{.forward = "ssh", .listens = false, .error = "the server refused"},
    CanaryReply{.listens = true, .error = {}},
    CanaryReply{.listens = false, .error = "127.0.0.1:19922: Address already in use"},
    CanaryReply{.listens = true,
                .error = "127.0.0.1:19922: Address already in use",
                .listen = Endpoint{"127.0.0.1", 40123}},
    ProbeSeen{.probe = 7, .target = TargetOutcome::unreachable},
    Sampled{.progress = {.bytes_received = 10, .bytes_acked = 20, .has_unacked = true},
            .open_channels = 3,
            .address_gone = true},
});

TEST(WorkerMessages, EveryCommandComesBackAsItWasSent) {
  for (const WorkerCommand& command : kCommands) {
    std::string line = encode(command);
    ASSERT_EQ(line.back(), '\n');
    line.pop_back();
    const auto decoded = decode_worker_command(line);
    ASSERT_TRUE(decoded) << decoded.error().line();
    EXPECT_EQ(*decoded, command) << line;
  }
}

TEST(WorkerMessages, EveryEventComesBackAsItWasSent) {
  for (const WorkerEvent& event : kEvents) {
    std::string line = encode(event);
    line.pop_back();
    const auto decoded = decode_worker_event(line);
    ASSERT_TRUE(decoded) << decoded.error().line();
    EXPECT_EQ(*decoded, event) << line;
  }
}

TEST(WorkerMessages, EveryMessageKeepsItsWireForm) {
  std::string lines;
  for (const WorkerCommand& command : kCommands) lines += encode(command);
  for (const WorkerEvent& event : kEvents) lines += encode(event);
  testing::expect_golden("worker_messages.jsonl", lines);
}

TEST(WorkerMessages, AMistakeNamesTypeAndField) {
  const auto error_of = [](std::string_view line) {
    const auto decoded = decode_worker_command(line);
    EXPECT_FALSE(decoded) << line;
    EXPECT_EQ(decoded.error().code(), Errc::protocol);
    return decoded.error().line();
  };
  EXPECT_EQ(error_of(R"({"type":"watch_probe","probe":1,"forward":"a","originator_port":65536})"),
            "watch_probe: originator_port: expected a whole number from 1 to 65535");
  EXPECT_EQ(error_of(R"({"type":"agent_line"})"), "agent_line: line: missing");
  EXPECT_EQ(error_of(R"({"type":"agent_line","line":"a\nb"})"),
            "agent_line: line: expected a single line");
  EXPECT_EQ(error_of(R"({"type":"connected"})"), "unknown message type \"connected\"");
  EXPECT_EQ(error_of("[]"), "expected an object");
  EXPECT_NE(error_of("{\"type\":"), "");
}

TEST(WorkerMessages, AnUnknownFailureIsAMistake) {
  const auto decoded = decode_worker_event(R"({"type":"failed","failure":"bored","text":""})");
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().line(), "failed: failure: unknown word \"bored\"");
}

TEST(WorkerMessages, ALongOrDirtyFailureTextStillDecodes) {
  std::string line = encode(WorkerEvent{Failed{Failure::lost, std::string(5000, 'x') + "\n\xff"}});
  line.pop_back();
  EXPECT_TRUE(decode_worker_event(line));
}

TEST(WorkerMessages, AnAgentLineOfTheLongestKindFitsThePipe) {
  const WorkerCommand longest = AgentLine{std::string(kMaxLineBytes, '\x01')};  // 6 bytes escaped
  std::string line = encode(longest);
  EXPECT_LE(line.size(), kMaxWorkerLineBytes);
  line.pop_back();
  EXPECT_TRUE(decode_worker_command(line));
}

}  // namespace
}  // namespace reversi::client

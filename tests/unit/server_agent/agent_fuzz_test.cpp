// Hostile clients, seeded: whatever they send, the session ends with one event at most, says nothing
// that cannot be sent, and nothing is ever read out of bounds (the sanitized build watches).

#include <algorithm>
#include <array>
#include <random>
#include <string>

#include "common/core/line_splitter.h"
#include "tests/unit/server_agent/session_fixture.h"

namespace reversi::server {
namespace {

constexpr int kInputs = 50'000;
constexpr unsigned kSeed = 20261120;

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }

  std::string mutate(std::string text) {
    for (std::size_t rounds = 1 + below(4); rounds > 0 && !text.empty(); --rounds) {
      const std::size_t at = below(text.size());
      switch (below(7)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, 1 + below(16));
          break;
        case 2:
          text.insert(at, text.substr(below(text.size()), 1 + below(64)));
          break;
        case 3:
          text.insert(at, kNasty[below(kNasty.size())]);
          break;
        case 4:
          text.resize(at);
          break;
        case 5:
          text.insert(at, std::string(1 + below(300), "[{\"\\\n9\xff"[below(7)]));
          break;
        default:
          std::swap(text[at], text[below(text.size())]);
      }
    }
    return text;
  }

 private:
  static constexpr std::array<std::string_view, 12> kNasty{
      "null",      "-1", "1e999", "18446744073709551616", "\"\"", "{}", "[]", "\\u0000", "\\ud800",
      "../../etc", "\n", "true"};
  std::mt19937 random_;
};

using AgentFuzz = SessionTest;

/// A whole session as a correct client would say it.
std::string script(const Hello& hello) {
  std::string text = encode(ClientMessage{hello});
  for (const ClientMessage& message : std::initializer_list<ClientMessage>{
           Forwarded{"ssh", true, ""}, Ready{}, Heartbeat{1}, PathSeen{1, TargetOutcome::ok},
           Check{"ssh"}, Pong{1}, Heartbeat{2}, Unknown{}, Bye{"done"}}) {
    text += encode(message);
  }
  return text;
}

TEST_F(AgentFuzz, FiftyThousandMutatedSessionsEndCleanlyWithOneEventAtMost) {
  Mutator mutator(kSeed);
  const std::string good = script(hello());
  int offences = 0;
  for (int input = 0; input < kInputs; ++input) {
    const std::string bytes = mutator.mutate(good);
    AgentSession fuzzed{{.node = "node-a", .session = "s1"}, Millis{10'000}, now};
    LineSplitter lines(kMaxLineBytes);
    int events = 0;
    const auto step = [&](const AgentEvent& event) {
      std::vector<AgentEvent> next{event};
      while (!next.empty()) {
        const AgentEvent current = next.front();
        next.erase(next.begin());
        for (const AgentAction& action : fuzzed.step(current, now)) {
          if (std::holds_alternative<LogEvent>(action)) ++events;
          if (std::holds_alternative<StartClaim>(action)) next.emplace_back(claimed());
          if (const auto* send = std::get_if<Send>(&action)) {
            ASSERT_TRUE(decode_agent_message(encode(send->message)));
          }
        }
      }
    };
    lines.feed(bytes);
    while (const auto line = lines.next()) {
      auto message = decode_client_message(*line);
      message ? step(Received{*std::move(message)}) : step(BadInput{message.error().line()});
      if (fuzzed.is_ended()) break;
    }
    step(InputEnded{"the connection ended"});
    ASSERT_TRUE(fuzzed.is_ended());
    ASSERT_LE(events, 1) << "input " << input;
    offences += events;
  }
  EXPECT_GT(offences, kInputs / 4) << "the mutations are too tame to prove anything";
}

TEST_F(AgentFuzz, ALineOfAnyLengthIsHeldToItsLimit) {
  LineSplitter lines(kMaxLineBytes);
  const std::string block(8192, 'x');
  for (int i = 0; i < 100; ++i) lines.feed(block);
  EXPECT_FALSE(lines.next());
  EXPECT_TRUE(lines.is_overlong());
}

TEST_F(AgentFuzz, ADeeplyNestedLineIsRefusedNotFollowed) {
  std::string deep(kMaxLineBytes - 1, '[');
  EXPECT_FALSE(decode_client_message(deep));
  std::string balanced = R"({"type":"heartbeat","seq":1,"x":)";
  balanced += std::string(30'000, '[') + std::string(30'000, ']') + "}";
  EXPECT_TRUE(decode_client_message(balanced)) << "an unknown field is ignored, however deep";
}

}  // namespace
}  // namespace reversi::server

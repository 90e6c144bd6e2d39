#pragma once
// A tunnel, a clock that the test moves, and the actions of the last step.

#include <algorithm>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "client/core/tunnel.h"

namespace reversi::client {

using namespace std::chrono_literals;

inline ClientConfig two_forwards() {
  ClientConfig config;
  config.node = "cam-07";
  config.servers = {{{"a.example", 22}, "reversi"}};
  config.identity_file = "/k";
  config.known_hosts_file = "/h";
  config.state_dir = "/s";
  config.forwards = {{"ssh", Endpoint{"127.0.0.1", 22}, {}, {}},
                     {"web", Endpoint{"127.0.0.1", 80}, {}, {}}};
  return config;
}

class TunnelTest : public ::testing::Test {
 protected:
  void SetUp() override { begin(two_forwards()); }

  void begin(ClientConfig config) {
    setup = std::make_shared<TunnelSetup>(
        TunnelSetup{std::move(config), {"i", "r", "m", "0.1", "linux", "mips"}, {}});
    tunnel = new_tunnel(setup, SessionPolicy{}, now);
  }

  void after(Millis pause, const Event& event) {
    now += pause;
    auto [next, done] = step(tunnel, event, now);
    tunnel = std::move(next);
    actions = std::move(done);
    all.insert(all.end(), actions.begin(), actions.end());
  }
  void worker(Millis pause, WorkerEvent event) {
    after(pause, event::FromWorker{std::move(event)});
  }
  void agent(Millis pause, const AgentMessage& message) {
    std::string line = encode(message);
    line.pop_back();
    worker(pause, AgentLine{line});
  }
  /// Lets the time pass, tick by tick as wake_at() asks for them; heartbeats are answered, or not.
  void pass(Millis time, bool answered = true) {
    const MonoTime end = now + time;
    while (now < end) {
      const MonoTime at = std::clamp(wake_at(tunnel, now), now + 1ms, end);
      after(at - now, event::Tick{});
      for (const auto& beat : told<Heartbeat>()) {
        if (answered) agent(0ms, HeartbeatAck{beat.seq});
      }
    }
  }

  void to_starting() { after(0ms, event::Tick{}); }
  void to_greeting() {
    to_starting();
    worker(100ms, Connected{"192.0.2.7:22", "SHA256:x"});
  }
  Welcome welcome() const {
    Welcome message;
    message.features = agent_features();
    message.session = "s1";
    message.grants = {{"ssh", "localhost:20001"}, {"web", "localhost:20002"}};
    return message;
  }
  void to_forwarding() {
    to_greeting();
    agent(10ms, welcome());
  }
  void to_ready() {
    to_forwarding();
    agent(1ms, HeartbeatAck{1});
    worker(1ms, ForwardReply{"ssh", true, {}});
    worker(1ms, ForwardReply{"web", true, {}});
  }
  void to_up() {
    to_ready();
    agent(5ms, VerdictReport{"ssh", Verdict::healthy, {}, 3ms});
    agent(5ms, VerdictReport{"web", Verdict::healthy, {}, 3ms});
  }

  /// The actions of a kind in the last step.
  template <class A>
  std::vector<A> did() const {
    std::vector<A> found;
    for (const Action& action : actions) {
      if (const auto* a = std::get_if<A>(&action)) found.push_back(*a);
    }
    return found;
  }
  template <class Command>
  std::vector<Command> sent() const {
    std::vector<Command> found;
    for (const auto& send : did<action::SendWorker>()) {
      if (const auto* c = std::get_if<Command>(&send.command)) found.push_back(*c);
    }
    return found;
  }
  template <class Message>
  std::vector<Message> told() const {
    std::vector<Message> found;
    for (const auto& send : did<action::SendAgent>()) {
      if (const auto* m = std::get_if<Message>(&send.message)) found.push_back(*m);
    }
    return found;
  }
  std::string_view is() const { return state_name(tunnel.state); }
  NodeState word() const { return health(tunnel, now).word; }
  Millis waits() const {
    const auto* stopping = std::get_if<state::Stopping>(&tunnel.state);
    const MonoTime at =
        stopping != nullptr ? stopping->retry_at : std::get<state::Waiting>(tunnel.state).retry_at;
    return at - now;
  }

  MonoTime now{1000s};
  std::shared_ptr<const TunnelSetup> setup;
  Tunnel tunnel;
  std::vector<Action> actions;
  std::vector<Action> all;
};

}  // namespace reversi::client

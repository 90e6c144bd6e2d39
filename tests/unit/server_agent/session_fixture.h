#pragma once
// An AgentSession whose clock the test moves.

#include <algorithm>

#include <gtest/gtest.h>

#include "server/core/agent_session.h"

namespace reversi::server {

class SessionTest : public ::testing::Test {
 protected:
  using Millis = reversi::Millis;

  static Hello hello(std::vector<std::string> names = {"ssh"}) {
    Hello hello;
    hello.features = client_features();
    hello.node = "node-a";
    hello.instance = "instance-1";
    hello.run = "run-1";
    hello.machine = "machine-1";
    for (const std::string& name : names) hello.forwards.push_back({name, "127.0.0.1:22", {}, {}});
    return hello;
  }

  static NodeForward granted(const char* name, Port port) {
    return {*ForwardName::parse(name), port, std::nullopt};
  }

  Claimed claimed() const {
    Claimed claimed;
    claimed.granted = grants;
    return claimed;
  }

  /// Lets time pass, then hands the event over; what is to be done is in `actions`.
  void after(Millis pause, const AgentEvent& event) {
    now.mono += pause;
    now.wall += pause;
    actions = session.step(event, now);
    // The shell writes what it is told to write.
    for (const AgentAction& action : actions) all.push_back(action);
  }
  template <class Message>
  void says(const Message& message, Millis pause = Millis{10}) {
    after(pause, Received{message});
  }

  /// Hello, welcome, every forward listens, ready. What is not asked for is not granted either.
  void serve(std::vector<std::string> names = {"ssh"}) {
    std::erase_if(grants, [&](const NodeForward& grant) {
      return std::ranges::count(names, grant.name.text()) == 0;
    });
    says(hello(names));
    after(Millis{5}, claimed());
    for (const std::string& name : names) says(Forwarded{name, true, ""});
    says(Ready{});
  }
  void probed(Sight sight, const std::string& forward = "ssh", Millis pause = Millis{10}) {
    after(pause, ProbeDone{forward, {sight, "what was seen", Millis{3}}});
  }
  /// Enough probes for the verdict of this sight to stand.
  void judged(Sight sight, const std::string& forward = "ssh") {
    for (int i = 0; i < verdict_row(sight).strikes; ++i) probed(sight, forward);
  }

  template <class T>
  const T* done() const {
    for (const AgentAction& action : actions) {
      if (const auto* found = std::get_if<T>(&action)) return found;
    }
    return nullptr;
  }
  template <class T>
  const T* sent() const {
    for (const AgentAction& action : actions) {
      const auto* send = std::get_if<Send>(&action);
      if (send == nullptr) continue;
      if (const auto* found = std::get_if<T>(&send->message)) return found;
    }
    return nullptr;
  }
  const Event* logged(EventKind kind) const {
    for (const AgentAction& action : actions) {
      const auto* log = std::get_if<LogEvent>(&action);
      if (log != nullptr && log->event.kind == kind) return &log->event;
    }
    return nullptr;
  }
  template <class T>
  std::size_t count() const {
    std::size_t found = 0;
    for (const AgentAction& action : all) found += std::holds_alternative<T>(action) ? 1U : 0U;
    return found;
  }
  NodeStatus status() const { return session.status(now.wall); }
  Verdict verdict(std::size_t forward = 0) const { return status().forwards.at(forward).verdict; }

  std::vector<NodeForward> grants{granted("ssh", 20001), granted("web", 20002)};
  Moment now{MonoTime{Millis{1'000'000}}, WallTime{Millis{1'790'000'000'000}}};
  AgentSession session{{.node = "node-a",
                        .session = "s1",
                        .client_address = "192.0.2.5",
                        .client_port = 50122,
                        .sshd_pid = 100,
                        .agent_pid = 101,
                        .server_version = "test"},
                       Millis{10'000},
                       now};
  AgentActions actions;
  AgentActions all;
};

}  // namespace reversi::server

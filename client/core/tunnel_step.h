#pragma once
// One step of the tunnel in the making: the tunnel as it changes and the actions so far. tunnel.cpp
// has the life of the worker, tunnel_session.cpp the life of a session, tunnel_canary.cpp the canary,
// tunnel_network.cpp what the network does, tunnel_reload.cpp what another configuration does.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/core/tunnel.h"

namespace reversi::client {

/// The worker hears from us at least this often (worker_messages.h).
inline constexpr Millis kAliveEvery{10'000};
/// A session's own address that is gone may be back: a lease that is renewed, an interface that is restarted.
inline constexpr Millis kAddressLookEvery{1500};
/// This much later than the wake-up that was asked for: our own loop stood still (stopped, starved, asleep).
inline constexpr Millis kOversleptLimit{3000};

template <class... Rules>
struct overloaded : Rules... {
  using Rules::operator()...;
};
template <class... Rules>
overloaded(Rules...) -> overloaded<Rules...>;

class TunnelStep {
 public:
  TunnelStep(const Tunnel& tunnel, MonoTime now) : t_(tunnel), now_(now) {}

  void handle(const Event& event);
  [[nodiscard]] Step result() &&;

 private:
  /// What is still to be done to a worker whose session is lost.
  enum class End { terminate, kill, leaves, gone };

  // ---- tunnel.cpp: the worker's life
  void on(const event::Tick&);
  void on(const event::FromWorker& event);
  void on(const event::WorkerBroken& event);
  void on(const event::WorkerExited& event);
  void on(const event::WorkerSeen& event);
  void on(const event::CanaryDone& event);
  void on(const event::Hint& event);
  void on(const event::KeyMade& event);
  void on(const event::ServersLearned& event);
  void learn(const Connected& peer, const std::vector<std::string>& host_keys,
             const std::vector<std::string>& servers);
  void on(const event::RestartRequest&);
  void on(const event::StopRequest&);
  void start();
  void lose(const Loss& loss, End end);
  void worker_gone();
  void connected(const Connected& peer);
  void begin_agent_free(const Connected& peer);
  void agent_free_line(const std::string& line);
  void use(std::shared_ptr<const TunnelSetup> setup);
  [[nodiscard]] bool has_worker() const;
  [[nodiscard]] Start start_message(std::size_t server) const;

  // ---- tunnel_session.cpp: the session's life
  void begin_session(const Welcome& welcome, const Connected& peer);
  void greeting_line(state::Greeting& greeting, const std::string& line);
  void agent_line(const std::string& line);
  void from_agent(const AgentMessage& message);
  void forward_reply(const ForwardReply& reply);
  void session_tick();
  [[nodiscard]] Millis check_interval(const Session& session) const;
  void become_ready_if_answered();
  void ask(ForwardTrack& track);
  void open_canary_if_due();
  void canary_reply(const CanaryReply& reply);
  void run_canary();
  void judge_agent_free(bool moved);
  void take_verdict(const VerdictReport& report);
  void note_goodness();
  [[nodiscard]] Session* session();
  [[nodiscard]] ForwardTrack* track(std::string_view name);
  [[nodiscard]] Hello hello() const;

  // ---- tunnel_reload.cpp: another configuration
  void on(const event::Reload& event);

  // ---- tunnel_move.cpp: back to an earlier server
  void try_earlier_server();

  // ---- tunnel_network.cpp: what the network does
  void sampled(const Sampled& sample);
  void try_again_if_unreachable(const std::string& why);

  // ---- what is done
  void send(WorkerCommand command);
  void tell(ClientMessage message);
  void log(std::string text) { actions_.push_back(action::Log{false, std::move(text)}); }
  void warn(std::string text) { actions_.push_back(action::Log{true, std::move(text)}); }

  [[nodiscard]] const ClientConfig& config() const { return t_.setup->config; }

  Tunnel t_;
  MonoTime now_;
  std::vector<Action> actions_;
};

}  // namespace reversi::client

#pragma once
// One tunnel and its worker: events go into the state machine, its actions are performed. There may be two for a while,
// when the node moves to another server: what belongs to the supervisor as a whole goes to its hooks.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "client/core/tunnel.h"
#include "client/io/worker_process.h"

namespace reversi::client {

class TunnelLine : public std::enable_shared_from_this<TunnelLine> {
 public:
  struct Hooks {
    /// An action that is not about the worker alone: LookAround, SavePolicy, KeepFormer, TryServer, KeepConfig, Log, Quit.
    std::function<void(TunnelLine&, const Action&)> act;
    /// After every step.
    std::function<void(TunnelLine&)> stepped;
  };

  TunnelLine(boost::asio::any_io_executor executor, WorkerProgram worker_program, Tunnel tunnel,
             Hooks hooks);
  /// The worker is killed; its pipes and its process live on until it is reaped.
  ~TunnelLine();
  TunnelLine(const TunnelLine&) = delete;
  TunnelLine& operator=(const TunnelLine&) = delete;

  void handle(const Event& event);
  /// What an action brings about is an event of the next turn, never of the step under way.
  void later(Event event);

  [[nodiscard]] const Tunnel& tunnel() const { return tunnel_; }
  /// The same session as another tunnel has it: see take_over().
  void become(Tunnel tunnel) { tunnel_ = std::move(tunnel); }
  /// 0 = none
  [[nodiscard]] int worker_pid() const { return worker_ == nullptr ? 0 : worker_->pid(); }

 private:
  void set_wake();
  void perform(const action::SpawnWorker&);
  void perform(const action::LookAround& look);
  void perform(const action::SendWorker& send);
  void perform(const action::SendAgent& send);
  void perform(const action::SignalWorker& signal);
  void perform(const action::RunCanary& canary);
  void perform(const action::MakeKey& make);
  template <class Other>
  void perform(const Other& action) {
    hooks_.act(*this, Action{action});
  }

  boost::asio::any_io_executor executor_;
  WorkerProgram worker_program_;
  Tunnel tunnel_;
  Hooks hooks_;
  boost::asio::steady_timer wake_;
  std::optional<MonoTime> wake_set_for_;
  std::shared_ptr<WorkerProcess> worker_;
};

}  // namespace reversi::client

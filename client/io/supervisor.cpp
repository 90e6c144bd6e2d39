#include "client/io/supervisor.h"

#include <signal.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>

#include "client/core/client_status.h"
#include "client/core/tunnel.h"
#include "client/io/canary.h"
#include "client/io/client_state.h"
#include "client/io/control_socket.h"
#include "client/io/net_watch.h"
#include "client/io/status_file.h"
#include "client/io/system.h"
#include "client/io/worker_process.h"
#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "common/io/coro.h"
#include "common/io/log.h"

namespace reversi::client {
namespace {

constexpr Millis kLookEvery{5000};       // at the worker's state in /proc, and at the clocks
constexpr Millis kLookAgainAfter{2000};  // once it was seen stopped
constexpr Millis kClockJumpLimit{2000};  // wall against monotonic time: the machine slept
constexpr Millis kTrialLimit{25'000};    // a worker that hears nothing for 30 s would end us
constexpr Millis kSoonest{1};

/// What belongs to one run_dir: the lock, the control socket, the status file.
struct RunDir {
  std::string path;
  UniqueFd lock;
  std::unique_ptr<ControlSocket> control;
  std::unique_ptr<StatusFile> status;
};

class Supervisor {
 public:
  Supervisor(LoadedConfig loaded, std::string worker_executable)
      : loaded_(std::move(loaded)),
        worker_executable_(std::move(worker_executable)),
        wake_(loop_),
        look_(loop_),
        trial_limit_(loop_),
        signals_(loop_, SIGTERM, SIGINT) {
    signals_.add(SIGHUP);
    signals_.add(SIGUSR1);
  }

  Result<ExitCode> run();

 private:
  Result<RunDir> open_run_dir(const std::string& path);
  void handle(const Event& event);
  void later(Event event);
  void await_signals();
  void await_look();
  void look();
  void set_wake();
  Result<void> reload();
  Json answer(const std::string& request);
  Json status() const;

  void perform(const action::SpawnWorker&);
  void perform(const action::SendWorker& send);
  void perform(const action::SendAgent& send);
  void perform(const action::SignalWorker& signal);
  void perform(const action::SavePolicy& save);
  void perform(const action::RunCanary& canary);
  void perform(const action::TryServer& trial);
  void perform(const action::KeepConfig&);
  void perform(const action::Log& line);
  void perform(const action::Quit&) { loop_.stop(); }

  std::shared_ptr<const TunnelSetup> setup() const {
    return std::make_shared<TunnelSetup>(TunnelSetup{loaded_.config, identity_});
  }

  asio::io_context loop_{1};
  LoadedConfig loaded_;
  std::string worker_executable_;
  Identity identity_;
  asio::steady_timer wake_;
  asio::steady_timer look_;
  asio::steady_timer trial_limit_;
  asio::signal_set signals_;
  RunDir run_dir_;
  std::unique_ptr<NetWatch> net_watch_;
  Tunnel tunnel_;
  std::shared_ptr<WorkerProcess> worker_;
  std::shared_ptr<WorkerProcess> trial_;  // a second one that only tries a login
  std::optional<MonoTime> wake_set_for_;
  Millis wall_offset_{wall_now().time_since_epoch() - mono_now().time_since_epoch()};
};

Result<ExitCode> Supervisor::run() {
  auto run_dir = open_run_dir(run_dir_of(loaded_.config));
  if (!run_dir) return fail(run_dir.error());
  run_dir_ = *std::move(run_dir);
  identity_ = load_identity(loaded_.config.state_dir);
  log_info("supervisor of node " + loaded_.config.node + " with " + loaded_.path + ", process id " +
           std::to_string(::getpid()));
  if (loaded_.is_last_good) log_error("using the last good configuration: " + loaded_.error);
  tunnel_ = new_tunnel(setup(), load_policy(loaded_.config.state_dir), mono_now());
  auto net_watch = NetWatch::open(
      loop_.get_executor(), [this](std::string what) { handle(event::Hint{std::move(what)}); });
  if (!net_watch) log_warning("changes of the network are not seen: " + net_watch.error().line());
  if (net_watch) net_watch_ = *std::move(net_watch);
  await_signals();
  await_look();
  later(event::Tick{});
  loop_.run();
  log_info("stopped");
  run_dir_.status->write_now(json_text(status()));
  return ExitCode::done;
}

Result<RunDir> Supervisor::open_run_dir(const std::string& path) {
  RunDir dir{path, {}, nullptr, nullptr};
  auto lock = take_lock(path);
  if (!lock) return fail(lock.error());
  dir.lock = *std::move(lock);
  auto control = ControlSocket::open(
      loop_.get_executor(), path, [this](const std::string& request) { return answer(request); });
  // A tunnel without a control socket is worth more than no tunnel: signals still work.
  if (!control) log_warning("no control socket: " + control.error().line());
  if (control) dir.control = *std::move(control);
  dir.status = std::make_unique<StatusFile>(loop_.get_executor(), path + "/status.json");
  return dir;
}

// ---- events in -------------------------------------------------------------------------------------

void Supervisor::handle(const Event& event) {
  auto [next, actions] = step(tunnel_, event, mono_now());
  tunnel_ = std::move(next);
  for (const Action& action : actions) {
    std::visit([this](const auto& a) { perform(a); }, action);
  }
  set_wake();
  const Json now_is = status();
  run_dir_.status->update(json_text(now_is), json_line(without_heartbeat(now_is)));
}

/// What an action brings about is an event of the next turn, never of the step under way.
void Supervisor::later(Event event) {
  asio::post(loop_, [this, event = std::move(event)] { handle(event); });
}

void Supervisor::set_wake() {
  const MonoTime now = mono_now();
  const MonoTime at = std::max(wake_at(tunnel_, now), now + kSoonest);
  if (wake_set_for_ == at) return;
  wake_set_for_ = at;
  wake_.expires_after(at - now);
  wake_.async_wait([this](const boost::system::error_code& ec) {
    if (ec) return;
    wake_set_for_.reset();
    handle(event::Tick{});
  });
}

void Supervisor::await_signals() {
  signals_.async_wait([this](const boost::system::error_code& ec, int number) {
    if (ec) return;
    if (number == SIGHUP) {
      if (auto ok = reload(); !ok) log_error("reload: " + ok.error().line());
    } else if (number == SIGUSR1) {
      handle(event::RestartRequest{});
    } else {
      log_info("signal " + std::to_string(number) + ": stopping");
      handle(event::StopRequest{});
    }
    await_signals();
  });
}

void Supervisor::await_look() {
  look_.expires_after(tunnel_.stopped_sightings > 0 ? kLookAgainAfter : kLookEvery);
  look_.async_wait([this](const boost::system::error_code& ec) {
    if (ec) return;
    look();
    await_look();
  });
}

void Supervisor::look() {
  const Millis offset = wall_now().time_since_epoch() - mono_now().time_since_epoch();
  const Millis jump = std::chrono::abs(offset - wall_offset_);
  if (jump >= Millis{1000}) wall_offset_ = offset;
  if (jump >= kClockJumpLimit) {
    handle(event::Hint{"the clock moved by " + std::to_string(jump.count()) + " ms"});
  }
  if (worker_ != nullptr) handle(event::WorkerSeen{is_stopped(worker_->pid())});
  handle(event::Tick{});
}

Result<void> Supervisor::reload() {
  const auto refuse = [this](const Error& error) {
    loaded_.error = error.line();
    return fail(error);
  };
  auto fresh = load_config(loaded_.path);
  if (!fresh) return refuse(fresh.error());
  const std::string path = run_dir_of(fresh->config);
  std::optional<RunDir> moved;
  if (path != run_dir_.path) {
    auto run_dir = open_run_dir(path);
    if (!run_dir) return refuse(run_dir.error());
    moved = *std::move(run_dir);
  }
  if (auto ok = start_log_of(fresh->config); !ok) return refuse(ok.error());
  if (moved) run_dir_ = *std::move(moved);
  loaded_ = *std::move(fresh);
  log_info("configuration " + loaded_.path + " loaded");
  handle(event::Reload{setup()});
  return {};
}

Json Supervisor::answer(const std::string& request) {
  if (request == "status") return {{"ok", true}, {"status", status()}};
  if (request == "stop") {
    later(event::StopRequest{});
    return {{"ok", true}};
  }
  if (request == "restart-tunnel") {
    later(event::RestartRequest{});
    return {{"ok", true}};
  }
  if (request == "reload") {
    const auto ok = reload();
    return ok ? Json{{"ok", true}} : Json{{"ok", false}, {"error", ok.error().line()}};
  }
  return {{"ok", false}, {"error", "unknown request \"" + printable(request, 80) + "\""}};
}

Json Supervisor::status() const {
  return client_status(tunnel_, {.now = mono_now(),
                                 .wall_offset = wall_offset_,
                                 .supervisor_pid = static_cast<int>(::getpid()),
                                 .worker_pid = worker_ == nullptr ? 0 : worker_->pid(),
                                 .config_source = loaded_.source(),
                                 .config_error = loaded_.error});
}

// ---- actions out -----------------------------------------------------------------------------------

void Supervisor::perform(const action::SpawnWorker&) {
  auto worker = WorkerProcess::spawn(
      loop_.get_executor(), worker_executable_,
      {.on_event = [this](WorkerEvent event) { handle(event::FromWorker{std::move(event)}); },
       .on_broken = [this](std::string what) { handle(event::WorkerBroken{std::move(what)}); },
       .on_exit =
           [this](std::string how) {
             worker_.reset();
             handle(event::WorkerExited{std::move(how)});
           }});
  if (worker) {
    worker_ = *std::move(worker);
    return;
  }
  later(event::WorkerExited{"it could not be started: " + worker.error().line()});
}

void Supervisor::perform(const action::SendWorker& send) {
  if (worker_ == nullptr || worker_->send(send.command)) return;
  later(event::WorkerBroken{"it does not read its commands"});
}

void Supervisor::perform(const action::SendAgent& send) {
  std::string line = encode(send.message);
  line.pop_back();  // the worker adds the newline
  perform(action::SendWorker{AgentLine{std::move(line)}});
}

void Supervisor::perform(const action::SignalWorker& signal) {
  if (worker_ != nullptr) return worker_->signal(signal.kill ? SIGKILL : SIGTERM);
  if (signal.kill) later(event::WorkerExited{"there is none"});
}

void Supervisor::perform(const action::SavePolicy& save) {
  if (auto ok = save_policy(loaded_.config.state_dir, save.policy); !ok) {
    log_warning("the policy is not kept: " + ok.error().line());
  }
}

void Supervisor::perform(const action::RunCanary& canary) {
  asio::co_spawn(
      loop_,
      [this, canary]() -> asio::awaitable<void> {
        const event::CanaryDone done = co_await run_canary(canary);
        handle(done);
      },
      kOrThrow);
}

void Supervisor::perform(const action::TryServer& trial) {
  if (trial_ != nullptr) return;
  const auto on_event = [this, server = trial.server](const WorkerEvent& event) {
    if (!std::holds_alternative<Connected>(event)) return;
    if (trial_ != nullptr) trial_->signal(SIGKILL);
    later(event::ServerAnswered{server});
  };
  auto spawned = WorkerProcess::spawn(loop_.get_executor(), worker_executable_,
                                      {.on_event = on_event,
                                       .on_broken = [](const std::string&) {},
                                       .on_exit = [this](const std::string&) { trial_.reset(); }});
  if (!spawned) return log_warning("trying an earlier server: " + spawned.error().line());
  trial_ = *std::move(spawned);
  trial_->send(trial.start);
  trial_limit_.expires_after(kTrialLimit);
  trial_limit_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec && trial_ != nullptr) trial_->signal(SIGKILL);
  });
}

void Supervisor::perform(const action::KeepConfig&) {
  if (auto ok = keep_as_last_good(loaded_); !ok) {
    log_warning("the last good configuration is not kept: " + ok.error().line());
  }
}

void Supervisor::perform(const action::Log& line) {
  line.warning ? log_warning(line.text) : log_info(line.text);
}

}  // namespace

Result<ExitCode> run_supervisor(LoadedConfig loaded) {
  auto worker = find_worker();
  if (!worker) return fail(worker.error());
  // A worker that died must be an error of a write, not the end of us.
  ::signal(SIGPIPE, SIG_IGN);
  if (auto ok = start_log_of(loaded.config); !ok) {
    // A log that cannot be written must not cost the tunnel.
    if (auto plain = start_log({}); !plain) return fail(plain.error());
    log_warning(ok.error().line() + "; logging to standard error");
  }
  return Supervisor(std::move(loaded), *std::move(worker)).run();
}

Result<void> start_log_of(const ClientConfig& config) {
  constexpr auto to = [](LogConfig::To place) {
    switch (place) {
      case LogConfig::To::syslog:
        return LogSettings::To::syslog;
      case LogConfig::To::file:
        return LogSettings::To::file;
      case LogConfig::To::standard_error:
        break;
    }
    return LogSettings::To::standard_error;
  };
  return start_log({.to = to(config.log.to),
                    .file = config.log.file,
                    .max_bytes = static_cast<std::size_t>(config.log.max_bytes),
                    .level = config.log_level});
}

}  // namespace reversi::client

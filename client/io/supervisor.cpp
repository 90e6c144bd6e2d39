#include "client/io/supervisor.h"

#include <signal.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>

#include "client/core/client_status.h"
#include "client/core/tunnel.h"
#include "client/io/client_log.h"
#include "client/io/client_state.h"
#include "client/io/learned_files.h"
#include "client/io/net_watch.h"
#include "client/io/next_key.h"
#include "client/io/run_dir.h"
#include "client/io/service_manager.h"
#include "client/io/system.h"
#include "client/io/tunnel_line.h"
#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "common/io/coro.h"
#include "common/io/log.h"

namespace reversi::client {
namespace {

constexpr Millis kClockJumpLimit{2000};  // wall against monotonic time: the machine slept
constexpr Millis kCandidateLimit{120'000};

class Supervisor {
 public:
  Supervisor(LoadedConfig loaded, WorkerProgram worker_program)
      : loaded_(std::move(loaded)),
        worker_program_(std::move(worker_program)),
        candidate_limit_(loop_),
        signals_(loop_, SIGTERM, SIGINT) {
    signals_.add(SIGHUP);
    signals_.add(SIGUSR1);
  }

  Result<ExitCode> run();

 private:
  Result<RunDir> open_run_dir(const std::string& path) {
    return RunDir::open(loop_.get_executor(), path,
                        [this](const std::string& request) { return answer(request); });
  }
  void handle(const Event& event) { line_->handle(event); }
  void later(Event event) { line_->later(std::move(event)); }
  void show();
  void note_flash() { spares_flash_ = is_same_directory(run_dir_.path, loaded_.config.state_dir); }
  std::shared_ptr<TunnelLine> make_line(Tunnel tunnel);
  void act(TunnelLine& line, const Action& action);
  void stepped(TunnelLine& line);
  void move_to_candidate();
  void await_signals();
  Result<std::string> reload();
  Json answer(const std::string& request);
  Json status() const;

  void perform(const action::LookAround&);
  void perform(const action::SavePolicy& save);
  void perform(const action::KeepFormer& keep);
  void perform(const action::AdoptKey& adopt);
  void perform(const action::Learn& learn);
  void perform(const action::TryServer& trial);
  void perform(const action::KeepConfig&);
  void perform(const action::Log& line);
  void perform(const action::Quit&) {
    service_manager_.stopping();
    loop_.stop();
  }

  std::shared_ptr<const TunnelSetup> setup() const {
    auto setup = std::make_shared<TunnelSetup>(TunnelSetup{loaded_.config, identity_, former_});
    setup->config.servers = with_learned(setup->config.servers, learned_);
    setup->learned = setup->config.servers.size() - loaded_.config.servers.size();
    setup->look_every =
        std::min(setup->look_every, service_manager_.alive_every().value_or(setup->look_every));
    return setup;
  }

  asio::io_context loop_{1};
  LoadedConfig loaded_;
  WorkerProgram worker_program_;
  Identity identity_;
  FormerSessions former_;
  Learned learned_;
  asio::steady_timer candidate_limit_;
  asio::signal_set signals_;
  RunDir run_dir_;
  bool spares_flash_ = false;  // run_dir is the state directory, which is no tmpfs
  UniqueFd state_lock_;
  std::unique_ptr<NetWatch> net_watch_;
  ServiceManager service_manager_ = ServiceManager::from_environment();
  std::shared_ptr<TunnelLine> line_;
  std::shared_ptr<TunnelLine> candidate_;  // to an earlier server; it takes over once it is ready
  std::size_t candidate_server_ = 0;
  std::shared_ptr<TunnelLine> retiring_;  // taken over from, on its way out
  Millis wall_offset_{wall_now().time_since_epoch() - mono_now().time_since_epoch()};
};

Result<ExitCode> Supervisor::run() {
  auto run_dir = open_run_dir(run_dir_of(loaded_.config));
  if (!run_dir) return fail(run_dir.error());
  run_dir_ = *std::move(run_dir);
  auto state_lock = hold_state_dir(loaded_.config);
  if (!state_lock) return fail(state_lock.error());
  state_lock_ = *std::move(state_lock);
  note_flash();
  identity_ = load_identity(loaded_.config.state_dir);
  log_info("supervisor of node " + loaded_.config.node + " with " + loaded_.path + ", process id " +
           std::to_string(::getpid()));
  if (loaded_.is_of_files) log_error(loaded_.error);
  if (loaded_.is_last_good) log_error("using the last good configuration: " + loaded_.error);
  former_ = load_former(loaded_.config.state_dir, hardware_addresses());
  learned_ = load_learned(loaded_.config.state_dir);
  line_ = make_line(new_tunnel(setup(), load_policy(loaded_.config.state_dir), mono_now()));
  auto net_watch = NetWatch::open(
      loop_.get_executor(), [this](std::string what) { handle(event::Hint{std::move(what)}); });
  if (!net_watch) log_warning("changes of the network are not seen: " + net_watch.error().line());
  if (net_watch) net_watch_ = *std::move(net_watch);
  await_signals();
  later(event::Tick{});
  service_manager_.ready();
  loop_.run();
  log_info("stopped");
  run_dir_.status->write_now(json_text(status()));
  return ExitCode::done;
}

// ---- events in -------------------------------------------------------------------------------------

void Supervisor::show() {
  const Json now_is = status();
  run_dir_.status->update(json_text(now_is), json_line(status_essence(now_is, spares_flash_)));
  service_manager_.status(client_status_line(now_is));
}

std::shared_ptr<TunnelLine> Supervisor::make_line(Tunnel tunnel) {
  return std::make_shared<TunnelLine>(
      loop_.get_executor(), worker_program_, std::move(tunnel),
      TunnelLine::Hooks{[this](TunnelLine& line, const Action& action) { act(line, action); },
                        [this](TunnelLine& line) { stepped(line); }});
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
      candidate_.reset();  // it must not take the place of a tunnel that is to end for good
      handle(event::StopRequest{});
    }
    await_signals();
  });
}

/// Returns what is not in effect yet, for a person.
Result<std::string> Supervisor::reload() {
  const auto refuse = [this](const Error& error) {
    loaded_.error = error.line();
    loaded_.is_of_files = false;
    return fail(error);
  };
  auto fresh = load_config(loaded_.path);
  if (!fresh) return refuse(fresh.error());
  const std::string path = run_dir_of(fresh->config);
  std::optional<RunDir> moved;
  if (!is_same_directory(path, run_dir_.path)) {
    auto run_dir = open_run_dir(path);
    if (!run_dir) return refuse(run_dir.error());
    moved = *std::move(run_dir);
  }
  std::optional<UniqueFd> state_lock;
  const bool has_state = is_same_directory(fresh->config.state_dir, loaded_.config.state_dir);
  if (!has_state) {
    auto lock = hold_state_dir(fresh->config);
    if (!lock) return refuse(lock.error());
    state_lock = *std::move(lock);
  }
  if (auto ok = start_log_of(fresh->config); !ok) return refuse(ok.error());
  if (state_lock) state_lock_ = *std::move(state_lock);
  if (state_lock_) note_holder(state_lock_, note_of(fresh->config));
  if (moved) run_dir_ = *std::move(moved);
  loaded_ = *std::move(fresh);
  // The file may say less than we know: the disk was full.
  if (!has_state) learned_ = load_learned(loaded_.config.state_dir);
  log_info("configuration " + loaded_.path + " loaded");
  note_flash();
  candidate_.reset();
  const auto after = setup();
  std::string note = reload_note(line_->tunnel(), *after);
  handle(event::Reload{after});
  return note;
}

Json Supervisor::answer(const std::string& request) {
  if (request == "status") return {{"ok", true}, {"status", status()}};
  if (request == "stop") {
    candidate_.reset();
    later(event::StopRequest{});
    return {{"ok", true}};
  }
  if (request == "restart-tunnel") {
    later(event::RestartRequest{});
    return {{"ok", true}};
  }
  if (request == "reload") {
    const auto ok = reload();
    return ok ? Json{{"ok", true}, {"note", *ok}}
              : Json{{"ok", false}, {"error", ok.error().line()}};
  }
  return {{"ok", false}, {"error", "unknown request \"" + printable(request, 80) + "\""}};
}

Json Supervisor::status() const {
  return client_status(line_->tunnel(), {.now = mono_now(),
                                         .wall_offset = wall_offset_,
                                         .supervisor_pid = static_cast<int>(::getpid()),
                                         .worker_pid = line_->worker_pid(),
                                         .config_source = loaded_.source(),
                                         .config_error = loaded_.error});
}

// ---- actions out -----------------------------------------------------------------------------------

void Supervisor::act(TunnelLine& line, const Action& action) {
  const bool is_own = &line == line_.get();
  std::visit(
      [&](const auto& a) {
        using A = std::decay_t<decltype(a)>;
        constexpr bool is_anybodys =
            std::is_same_v<A, action::Log> || std::is_same_v<A, action::KeepFormer> ||
            std::is_same_v<A, action::AdoptKey> || std::is_same_v<A, action::Learn>;
        if constexpr (requires { perform(a); }) {
          if (is_own || is_anybodys) perform(a);
        }
      },
      action);
  const bool is_over = &line == retiring_.get() && std::holds_alternative<action::Quit>(action);
  if (is_over) asio::post(loop_, [this] { retiring_.reset(); });
}

void Supervisor::stepped(TunnelLine& line) {
  if (&line == line_.get()) return show();
  if (&line != candidate_.get()) return;
  const State& state = line.tunnel().state;
  const bool is_ready = std::holds_alternative<state::Ready>(state);
  const bool is_lost = std::holds_alternative<state::Stopping>(state) ||
                       (std::holds_alternative<state::Waiting>(state) && line.tunnel().starts > 0);
  // Not here: the line's step is still under way.
  if (is_ready) asio::post(loop_, [this] { move_to_candidate(); });
  if (is_lost) asio::post(loop_, [this] { candidate_.reset(); });
}

void Supervisor::move_to_candidate() {
  const bool is_ready =
      candidate_ != nullptr && std::holds_alternative<state::Ready>(candidate_->tunnel().state);
  if (!is_ready) return;
  retiring_ = std::exchange(line_, std::exchange(candidate_, nullptr));
  line_->become(take_over(line_->tunnel(), retiring_->tunnel(), candidate_server_, mono_now()));
  log_info("moved to the earlier server " +
           format_endpoint(line_->tunnel().setup->config.servers[candidate_server_].endpoint));
  // While it was a candidate its policy was not ours.
  if (loaded_.config.agent) perform(action::SavePolicy{line_->tunnel().policy});
  retiring_->handle(event::StopRequest{});
  line_->handle(event::Tick{});
}

void Supervisor::perform(const action::LookAround&) {
  service_manager_.ready();  // its queue may have been full
  service_manager_.alive();
  const Millis offset = wall_now().time_since_epoch() - mono_now().time_since_epoch();
  const Millis jump = std::chrono::abs(offset - wall_offset_);
  if (jump >= Millis{1000}) wall_offset_ = offset;
  if (jump < kClockJumpLimit) return;
  later(event::Hint{"the clock moved by " + std::to_string(jump.count()) + " ms"});
}

void Supervisor::perform(const action::SavePolicy& save) {
  if (auto ok = save_policy(loaded_.config.state_dir, save.policy); !ok) {
    log_warning("the policy is not kept: " + ok.error().line());
  }
}

void Supervisor::perform(const action::KeepFormer& keep) {
  former_[keep.server] = keep.process;
  if (auto ok = save_former(loaded_.config.state_dir, former_, hardware_addresses()); !ok) {
    log_warning("the former session is not kept: " + ok.error().line());
  }
}

void Supervisor::perform(const action::AdoptKey& adopt) {
  const auto done = adopt_next_key(adopt.identity_file);
  if (done) return log_info(adopt.identity_file + ": the new key is in place");
  // It is offered first in any case, so nothing is lost.
  log_warning("the new key stays where it is: " + done.error().line());
}

void Supervisor::perform(const action::Learn& learn) {
  const Learned after = client::learn(learned_, loaded_.config.servers, learn.announcement);
  // Each time, for the worker reads the files: they may have been lost, or the disk was full before.
  if (auto ok = save_learned(loaded_.config.state_dir, after); !ok) {
    log_warning("what the server says of itself is not kept: " + ok.error().line());
  }
  if (after == learned_) return;
  const bool has_others = after.servers != learned_.servers;
  learned_ = after;
  if (!has_others) return log_info("the server told of its host keys");
  log_info("the server told of its names");
  // Not here: a line's step is still under way. A candidate knows its server by its place in the old list.
  asio::post(loop_, [this] {
    candidate_.reset();
    handle(event::ServersLearned{setup()});
  });
}

void Supervisor::perform(const action::TryServer& trial) {
  if (candidate_ != nullptr) return;
  const Tunnel& present = line_->tunnel();
  candidate_server_ = trial.server;
  candidate_ =
      make_line(new_tunnel(setup_for(*present.setup, trial.server), present.policy, mono_now()));
  candidate_->later(event::Tick{});
  candidate_limit_.expires_after(kCandidateLimit);
  candidate_limit_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec) candidate_.reset();
  });
}

void Supervisor::perform(const action::KeepConfig&) {
  // It is up, so the file was mended.
  if (std::exchange(loaded_.is_of_files, false)) loaded_.error.clear();
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

}  // namespace reversi::client

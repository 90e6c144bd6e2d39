#include "client/worker/worker.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "client/ssh/connect.h"
#include "client/ssh/keys.h"
#include "client/worker/parent_ties.h"
#include "client/worker/run_as.h"
#include "common/io/clock.h"
#include "common/io/coro.h"
#include "common/io/log.h"
#include "common/io/lost_address.h"
#include "common/io/tcp_progress.h"

namespace reversi::worker {
namespace {

using client::Failed;
using client::Failure;

constexpr std::size_t kMostQueuedBytes = 16 * 1024 * 1024;  // the supervisor has stopped reading
constexpr std::size_t kRoomBytes = 256 * 1024;  // above this the agent's lines wait in its channel
constexpr Millis kCommandLimit{3000};           // agent-free: for the server to start it, or say no
constexpr Millis kWholeCommandLimit{10'000};
constexpr Millis kSoonest{1};
constexpr std::chrono::milliseconds kLastWordsLimit{500};

ExitCode code_of(Failure failure) {
  switch (failure) {
    case Failure::host_key:
    case Failure::key_refused:
    case Failure::setup:
      return ExitCode::refused;
    default:
      return ExitCode::retry;
  }
}

}  // namespace

Worker::Worker(asio::io_context& io, UniqueFd commands, UniqueFd events)
    : io_(io),
      pipe_(io.get_executor(), std::move(commands), std::move(events),
            {.line_bytes = client::kMaxWorkerLineBytes, .queued_bytes = kMostQueuedBytes}),
      signals_(io, SIGTERM, SIGINT),
      timer_(io),
      parent_(::getppid()),
      silence_(mono_now()) {}

Worker::~Worker() = default;

ExitCode Worker::run() {
  signals_.async_wait([this](const boost::system::error_code& ec, int /*signal*/) {
    if (!ec) finish(Failure::closed, "told to stop", ExitCode::done);
  });
  if (!tie_to_parent(parent_))
    finish(Failure::parent_gone, "the supervisor is gone", ExitCode::retry);
  pipe_.on_written([this] {
    if (!exec_ || !exec_->waits_for_room()) return;
    after_turn();
    settle();
  });
  asio::co_spawn(io_, read_commands(), kOrThrow);
  set_timer();
  io_.run();

  // The last line must get out, but a supervisor that does not read cannot keep us.
  const auto deadline = std::chrono::steady_clock::now() + kLastWordsLimit;
  io_.restart();
  while (pipe_.queued_bytes() > 0 && io_.run_one_until(deadline) > 0) {
  }
  if (parent_hangs_) end_parent(parent_);  // and we may die with it
  // From here on no handler runs any more. Channels go before their session.
  exec_.reset();
  canary_.reset();
  forwards_.reset();
  relays_.reset();
  loop_.reset();
  return end_.value_or(ExitCode::failed);
}

void Worker::finish(Failed failed) {
  const ExitCode code = code_of(failed.failure);
  finish(failed.failure, std::move(failed.text), code);
}

void Worker::finish(Failure failure, std::string text, ExitCode code) {
  if (end_) return;
  emit(Failed{failure, std::move(text)});
  end_ = code;
  io_.stop();
}

void Worker::emit(const client::WorkerEvent& event) {
  if (end_) return;
  if (pipe_.send(client::encode(event))) return;
  end_ = ExitCode::retry;  // nobody to tell
  io_.stop();
}

asio::awaitable<void> Worker::read_commands() {
  for (;;) {
    const auto line = co_await pipe_.read_line();
    if (!line)
      co_return finish(Failure::parent_gone, "commands: " + line.error().line(), ExitCode::done);
    silence_.heard(mono_now());
    const auto command = client::decode_worker_command(*line);
    if (!command) {
      co_return finish(Failure::setup, "commands: " + command.error().line(), ExitCode::refused);
    }
    std::visit([this](const auto& c) { perform(c); }, *command);
    settle();
    if (end_) co_return;
    set_timer();
  }
}

// ---- what only the time brings --------------------------------------------------------------------

MonoTime Worker::next_deadline() const {
  std::optional<MonoTime> next = earlier(silence_.look_at(), command_end_);
  if (!is_connected_) return *next;
  next = earlier(next, forwards_->next_deadline());
  return *earlier(next, relays_->next_tick());
}

void Worker::set_timer() {
  const MonoTime at = next_deadline();
  if (end_ || timer_set_for_ == at) return;
  timer_set_for_ = at;
  timer_.expires_after(std::max(at - mono_now(), kSoonest));
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec || end_) return;
    timer_set_for_.reset();
    look_at_time(mono_now());
    settle();
    set_timer();
  });
}

void Worker::look_at_time(MonoTime now) {
  if (silence_.is_over(now)) {
    if (::getppid() != parent_) {
      return finish(Failure::parent_gone, "the supervisor is gone", ExitCode::retry);
    }
    // It hangs: to be ended, so that init starts both again. Never init itself.
    parent_hangs_ = parent_ > 1;
    return finish(Failure::parent_gone, "the supervisor said nothing for 30 s", ExitCode::retry);
  }
  if (!is_connected_) return;
  if (forwards_->is_stuck(now)) {
    return finish(Failure::lost, "the server did not answer a forward request for 60 s",
                  ExitCode::retry);
  }
  // A forced command of somebody else's runs in place of ours.
  if (command_end_ && now >= *command_end_) end_command();
  relays_->tick(now);
  forwards_->report_overdue(now);
}

// ---- the session ----------------------------------------------------------------------------------

void Worker::perform(const client::Start& start) {
  if (std::exchange(is_started_, true)) return;
  asio::co_spawn(io_, connect(start), kOrThrow);
}

asio::awaitable<void> Worker::connect(client::Start start) {
  ssh_init();
  const auto setup_failed = [this](const Error& error) {
    finish(Failed{Failure::setup, error.line()});
  };
  const auto identities = load_identities(start.identity_file, start.leaves_out_next);
  if (!identities) co_return setup_failed(identities.error());
  const auto pinned = PinnedKeys::load(start.known_hosts_files, start.server);
  if (!pinned) co_return setup_failed(pinned.error());
  if (!start.run_as.empty()) {
    if (const auto done = run_as(start.run_as); !done) co_return setup_failed(done.error());
  }

  auto open = co_await open_session(start, *pinned, *identities);
  if (!open) co_return finish(std::move(open).error());
  loop_ = std::move(open->loop);
  open_parts(start);
  has_agent_ = start.agent;
  if (exec_) {
    const std::string command = start.agent ? ExecChannel::kAgentCommand : start.command;
    const auto deadline =
        std::chrono::steady_clock::now() + (start.agent ? start.connect_limit : kCommandLimit);
    const auto opened = co_await exec_->open(command, deadline);
    if (opened && !start.agent) exec_->close_input();
    if (!opened && !start.agent && !loop_->is_over()) {
      exec_.reset();  // this server runs no commands
    } else if (!opened) {
      const bool is_lost =
          opened.error().code() == Errc::timeout || (loop_->is_over() && !loop_->was_closed());
      co_return finish(Failed{is_lost ? Failure::lost : Failure::closed, opened.error().line()});
    }
  }
  is_connected_ = true;
  if (exec_ && !has_agent_) command_end_ = mono_now() + kWholeCommandLimit;
  emit(client::Connected{format_endpoint(open->address), open->host_key, open->identity_file,
                         open->host_key_line});
  if (!start.command.empty() && !exec_) emit(client::AgentLine{});
  loop_->on_turn([this] { after_turn(); });
  after_turn();
  settle();
}

void Worker::open_parts(const client::Start& start) {
  relays_ = std::make_unique<RelaySet>(*loop_, io_.get_executor(),
                                       static_cast<std::size_t>(start.max_buffered_bytes));
  forwards_ = std::make_unique<RemoteForwards>(
      *loop_, *relays_, [this](const client::WorkerEvent& event) { emit(event); });
  canary_ = std::make_unique<LocalForward>(*loop_, *relays_, io_.get_executor());
  if (!start.agent && start.command.empty()) return;
  exec_ = std::make_unique<ExecChannel>(
      *loop_,
      ExecChannel::Sinks{
          .line = [this](std::string_view line) { emit(client::AgentLine{std::string(line)}); },
          .has_room = [this] { return pipe_.queued_bytes() < kRoomBytes; }});
}

void Worker::after_turn() {
  if (end_ || !is_connected_) return;
  if (exec_) exec_->service();
  if (!loop_->is_over()) {
    forwards_->service();
    canary_->service();
    relays_->service();
  }
  if (loop_->is_over()) {
    finish(Failed{loop_->was_closed() ? Failure::closed : Failure::lost, loop_->end_text()});
  } else if (relays_->lingers_too_much()) {
    finish(Failure::lost,
           "connections that were ended, but not by their users, keep more memory than "
           "max_buffered_mib allows: the session starts anew",
           ExitCode::retry);
  } else if (exec_ && exec_->is_over()) {
    if (has_agent_) return finish(Failed{Failure::closed, exec_->end_text()});
    end_command();
  }
  set_timer();
}

/// Agent-free: the session goes on without it.
void Worker::end_command() {
  command_end_.reset();
  exec_.reset();
  emit(client::AgentLine{});
}

void Worker::settle() {
  if (is_connected_ && !end_) relays_->settle();
}

// ---- commands -------------------------------------------------------------------------------------

void Worker::perform(const client::Forward& forward) {
  if (is_connected_) forwards_->ask(forward);
}

void Worker::perform(const client::Retarget& retarget) {
  if (is_connected_) forwards_->retarget(retarget);
}

void Worker::perform(const client::OpenCanary& canary) {
  if (is_connected_) emit(canary_->open(canary));
}

void Worker::perform(const client::AgentLine& line) {
  if (is_connected_ && exec_ && !exec_->send(line.line)) {
    finish(Failure::lost, "the agent does not read", ExitCode::retry);
  }
}

void Worker::perform(const client::WatchProbe& probe) {
  if (is_connected_) forwards_->watch(probe);
}

void Worker::perform(const client::TakeSample& /*sample*/) {
  client::Sampled sampled;
  if (loop_) {
    sampled.progress = tcp_progress(loop_->socket_fd()).value_or(ProgressSample{});
    sampled.progress.has_unacked =
        sampled.progress.has_unacked || loop_->is_congested() || (exec_ && exec_->has_queued());
    sampled.address_gone = has_lost_address(loop_->socket_fd());
  }
  if (relays_) sampled.open_channels = static_cast<std::int64_t>(relays_->size());
  emit(sampled);
}

void Worker::perform(const client::Alive& /*alive*/) {}

}  // namespace reversi::worker

#include "client/io/tunnel_line.h"

#include <signal.h>

#include <algorithm>
#include <utility>
#include <variant>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "client/io/canary.h"
#include "client/io/next_key.h"
#include "client/io/system.h"
#include "common/io/clock.h"
#include "common/io/coro.h"

namespace reversi::client {
namespace {

constexpr Millis kSoonest{1};

}  // namespace

TunnelLine::TunnelLine(asio::any_io_executor executor, WorkerProgram worker_program, Tunnel tunnel,
                       Hooks hooks)
    : executor_(std::move(executor)),
      worker_program_(std::move(worker_program)),
      tunnel_(std::move(tunnel)),
      hooks_(std::move(hooks)),
      wake_(executor_) {}

TunnelLine::~TunnelLine() {
  if (worker_ != nullptr) worker_->signal(SIGKILL);
}

void TunnelLine::handle(const Event& event) {
  const auto self = shared_from_this();  // a hook may let go of us
  auto [next, actions] = step(tunnel_, event, mono_now());
  tunnel_ = std::move(next);
  for (const Action& action : actions) {
    std::visit([this](const auto& a) { perform(a); }, action);
  }
  set_wake();
  hooks_.stepped(*this);
}

void TunnelLine::later(Event event) {
  asio::post(executor_, [line = weak_from_this(), event = std::move(event)] {
    if (const auto self = line.lock()) self->handle(event);
  });
}

void TunnelLine::set_wake() {
  const MonoTime now = mono_now();
  const MonoTime at = std::max(wake_at(tunnel_, now), now + kSoonest);
  if (wake_set_for_ == at) return;
  wake_set_for_ = at;
  wake_.expires_after(at - now);
  wake_.async_wait([line = weak_from_this()](const boost::system::error_code& ec) {
    const auto self = line.lock();
    if (ec || !self) return;
    self->wake_set_for_.reset();
    self->handle(event::Tick{});
  });
}

void TunnelLine::perform(const action::SpawnWorker&) {
  const auto line = weak_from_this();
  const auto tell = [line](Event event) {
    if (const auto self = line.lock()) self->handle(event);
  };
  auto worker = WorkerProcess::spawn(
      executor_, worker_program_,
      {.on_event = [tell](WorkerEvent event) { tell(event::FromWorker{std::move(event)}); },
       .on_broken = [tell](std::string what) { tell(event::WorkerBroken{std::move(what)}); },
       .on_exit =
           [tell, line](std::string how) {
             if (const auto self = line.lock()) self->worker_.reset();
             tell(event::WorkerExited{std::move(how)});
           }});
  if (worker) {
    worker_ = *std::move(worker);
    return;
  }
  later(event::WorkerExited{"it could not be started: " + worker.error().line()});
}

void TunnelLine::perform(const action::LookAround& look) {
  if (worker_ != nullptr) later(event::WorkerSeen{is_stopped(worker_->pid())});
  hooks_.act(*this, Action{look});
}

void TunnelLine::perform(const action::SendWorker& send) {
  if (worker_ == nullptr || worker_->send(send.command)) return;
  later(event::WorkerBroken{"it does not read its commands"});
}

void TunnelLine::perform(const action::SendAgent& send) {
  std::string line = encode(send.message);
  line.pop_back();  // the worker adds the newline
  perform(action::SendWorker{AgentLine{std::move(line)}});
}

void TunnelLine::perform(const action::SignalWorker& signal) {
  if (worker_ != nullptr) return worker_->signal(signal.kill ? SIGKILL : SIGTERM);
  if (signal.kill) later(event::WorkerExited{"there is none"});
}

void TunnelLine::perform(const action::RunCanary& canary) {
  asio::co_spawn(
      executor_,
      [line = weak_from_this(), canary]() -> asio::awaitable<void> {
        const event::CanaryDone done = co_await run_canary(canary);
        if (const auto self = line.lock()) self->handle(done);
      },
      kOrThrow);
}

void TunnelLine::perform(const action::MakeKey& make) {
  auto key = make_next_key(worker_program_, make.identity_file, make.spares_old);
  key ? later(event::KeyMade{make.request, *std::move(key), {}})
      : later(event::KeyMade{make.request, {}, key.error().line()});
}

}  // namespace reversi::client

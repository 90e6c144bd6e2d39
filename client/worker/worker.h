#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "client/core/parent_silence.h"
#include "client/core/worker_messages.h"
#include "client/ssh/session_loop.h"
#include "client/worker/exec_channel.h"
#include "client/worker/local_forward.h"
#include "client/worker/relay_set.h"
#include "client/worker/remote_forward.h"
#include "common/core/exit_code.h"
#include "common/core/time.h"
#include "common/io/line_pipe.h"

namespace reversi::worker {

/// One worker: takes commands from standard input, holds one session, tells events on standard
/// output, ends once and says why in its last line.
class Worker {
 public:
  /// `commands` and `events` are the pipe to the supervisor, which must be our parent.
  Worker(boost::asio::io_context& io, UniqueFd commands, UniqueFd events);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Runs to the end; the last line has been written, if anybody read it.
  [[nodiscard]] ExitCode run();

 private:
  [[nodiscard]] boost::asio::awaitable<void> read_commands();
  /// Sets the timer for the next thing that only the time brings.
  void set_timer();
  [[nodiscard]] MonoTime next_deadline() const;
  void look_at_time(MonoTime now);
  [[nodiscard]] boost::asio::awaitable<void> connect(client::Start start);
  void open_parts(const client::Start& start);
  void after_turn();
  void end_command();
  void settle();
  void emit(const client::WorkerEvent& event);
  void finish(client::Failure failure, std::string text, ExitCode code);
  void finish(client::Failed failed);

  void perform(const client::Start& start);
  void perform(const client::Forward& forward);
  void perform(const client::Retarget& retarget);
  void perform(const client::OpenCanary& canary);
  void perform(const client::AgentLine& line);
  void perform(const client::WatchProbe& probe);
  void perform(const client::TakeSample& sample);
  void perform(const client::Alive& alive);

  boost::asio::io_context& io_;
  LinePipe pipe_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer timer_;
  std::optional<MonoTime> timer_set_for_;
  pid_t parent_;
  bool parent_hangs_ = false;
  client::ParentSilence silence_;
  bool is_started_ = false;
  bool is_connected_ = false;
  bool has_agent_ = true;
  std::optional<MonoTime> command_end_;  // agent-free: when the command under way is given up
  std::optional<ExitCode> end_;

  // Destroyed last to first: channels go before their session.
  std::unique_ptr<SessionLoop> loop_;
  std::unique_ptr<RelaySet> relays_;
  std::unique_ptr<RemoteForwards> forwards_;
  std::unique_ptr<LocalForward> canary_;
  std::unique_ptr<ExecChannel> exec_;
};

}  // namespace reversi::worker

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <libssh/callbacks.h>

#include "client/ssh/session_loop.h"
#include "common/core/error.h"
#include "common/core/line_splitter.h"
#include "common/core/protocol.h"

namespace reversi::worker {

/// The channel to the agent, or to the command of the agent-free mode: lines both ways, unread. What it
/// writes to its standard error goes to our log, a bounded number of lines of it.
class ExecChannel {
 public:
  /// Only shown in the server's log: the key's forced command runs whatever is asked for.
  static constexpr const char* kAgentCommand = "reversi-agent";
  static constexpr std::size_t kMostQueuedBytes = 1024 * 1024;
  static constexpr int kMostLoggedLines = 100;

  struct Sinks {
    std::function<void(std::string_view line)> line;  ///< from the agent
    std::function<bool()> has_room;                   ///< for more lines
  };

  ExecChannel(SessionLoop& loop, Sinks sinks);
  ~ExecChannel();
  ExecChannel(const ExecChannel&) = delete;
  ExecChannel& operator=(const ExecChannel&) = delete;

  /// Opens the channel and starts the command.
  /// @errors  refused, timeout, io
  [[nodiscard]] boost::asio::awaitable<Result<void>> open(const std::string& command,
                                                          SessionLoop::Deadline deadline);
  /// Nothing more will be sent.
  void close_input();

  /// Queues a line (without its newline). False: the agent has not read for 1 MiB.
  [[nodiscard]] bool send(std::string_view line);
  /// After every turn of the session, and when there is room again.
  void service();

  /// Lines of the agent wait for room: service() is to be called again when there is some.
  [[nodiscard]] bool waits_for_room() const { return has_unread_ && !is_over_; }
  [[nodiscard]] bool has_queued() const { return !outgoing_.empty(); }
  /// The channel ended, or the agent sent a line of more than 64 KiB. Every whole line was passed on
  /// before.
  [[nodiscard]] bool is_over() const { return is_over_; }
  /// Of the command, once the server has told it.
  [[nodiscard]] std::optional<int> exit_status() const { return exit_status_; }
  /// Of what the command wrote to its standard error; empty if nothing.
  [[nodiscard]] const std::string& last_error_line() const { return last_error_line_; }
  /// Why; one line, with the last words of the forced command if it had any.
  [[nodiscard]] std::string end_text() const;

 private:
  static int on_data(ssh_session session, ssh_channel channel, void* data, uint32_t size,
                     int is_stderr, void* exec);
  static void on_exit_status(ssh_session session, ssh_channel channel, int status, void* exec);

  void write();
  void read();
  void log_errors(std::string_view bytes);

  SessionLoop& loop_;
  Sinks sinks_;
  SshChannel channel_;
  ssh_channel_callbacks_struct callbacks_{};
  std::string outgoing_;
  LineSplitter lines_{kMaxLineBytes};
  LineSplitter error_lines_{4096};
  std::string last_error_line_;
  int logged_lines_ = 0;
  std::optional<int> exit_status_;
  bool has_unread_ = true;
  bool is_over_ = false;
};

}  // namespace reversi::worker

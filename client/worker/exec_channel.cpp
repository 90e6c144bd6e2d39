#include "client/worker/exec_channel.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/io/coro.h"
#include "common/io/log.h"

namespace reversi::worker {
namespace {

constexpr std::size_t kChunkBytes = 32 * 1024;

Error step_error(int rc, ssh_session session, std::string doing) {
  if (rc == SSH_AGAIN) return Error{Errc::timeout, "no answer in time"}.in(std::move(doing));
  return Error{Errc::refused, printable(ssh_get_error(session))}.in(std::move(doing));
}

}  // namespace

ExecChannel::ExecChannel(SessionLoop& loop, Sinks sinks) : loop_(loop), sinks_(std::move(sinks)) {
  callbacks_.userdata = this;
  callbacks_.channel_data_function = on_data;
  callbacks_.channel_exit_status_function = on_exit_status;
  ssh_callbacks_init(&callbacks_);
}

ExecChannel::~ExecChannel() {
  if (channel_) ssh_remove_channel_callbacks(channel_.get(), &callbacks_);
}

asio::awaitable<Result<void>> ExecChannel::open(const std::string& command,
                                                SessionLoop::Deadline deadline) {
  channel_.reset(ssh_channel_new(loop_.session()));
  if (!channel_) co_return fail(Errc::io, "libssh has no channel");
  ssh_set_channel_callbacks(channel_.get(), &callbacks_);
  int rc = co_await loop_.until_done([this] { return ssh_channel_open_session(channel_.get()); },
                                     deadline);
  if (rc != SSH_OK) co_return fail(step_error(rc, loop_.session(), "open the exec channel"));
  rc = co_await loop_.until_done(
      [this, &command] { return ssh_channel_request_exec(channel_.get(), command.c_str()); },
      deadline);
  if (rc != SSH_OK) co_return fail(step_error(rc, loop_.session(), "start the command"));
  co_return Result<void>{};
}

void ExecChannel::close_input() {
  ssh_channel_send_eof(channel_.get());
}

/// A callback: takes nothing, because passing lines on is not for here.
int ExecChannel::on_data(ssh_session /*session*/, ssh_channel /*channel*/, void* /*data*/,
                         uint32_t /*size*/, int /*is_stderr*/, void* exec) {
  static_cast<ExecChannel*>(exec)->has_unread_ = true;
  return 0;
}

void ExecChannel::on_exit_status(ssh_session /*session*/, ssh_channel /*channel*/, int status,
                                 void* exec) {
  static_cast<ExecChannel*>(exec)->exit_status_ = status;
}

bool ExecChannel::send(std::string_view line) {
  if (outgoing_.size() + line.size() >= kMostQueuedBytes) return false;
  outgoing_.append(line).push_back('\n');
  write();
  return true;
}

void ExecChannel::write() {
  while (!outgoing_.empty() && !is_over_ && !loop_.is_congested() &&
         ssh_channel_window_size(channel_.get()) > 0) {
    const auto size = static_cast<uint32_t>(std::min(outgoing_.size(), kChunkBytes));
    const int written = ssh_channel_write(channel_.get(), outgoing_.data(), size);
    if (written <= 0) return;  // a key re-exchange, or the end, which read() sees
    outgoing_.erase(0, static_cast<std::size_t>(written));
  }
}

void ExecChannel::read() {
  std::array<char, kChunkBytes> chunk;
  // What libssh holds is read whole: reading a part may let in more than was read (see relay.h).
  for (const int is_stderr : {0, 1}) {
    int left = ssh_channel_poll(channel_.get(), is_stderr);
    while (left > 0) {
      const int size =
          ssh_channel_read_nonblocking(channel_.get(), chunk.data(),
                                       static_cast<uint32_t>(std::min<std::size_t>(
                                           chunk.size(), static_cast<std::size_t>(left))),
                                       is_stderr);
      if (size <= 0) break;
      left -= size;
      const std::string_view bytes{chunk.data(), static_cast<std::size_t>(size)};
      if (is_stderr != 0) {
        log_errors(bytes);
        continue;
      }
      lines_.feed(bytes);
      while (const auto line = lines_.next()) sinks_.line(*line);
    }
  }
}

void ExecChannel::log_errors(std::string_view bytes) {
  error_lines_.feed(bytes);
  while (const auto line = error_lines_.next()) {
    last_error_line_ = printable(*line);
    if (logged_lines_++ < kMostLoggedLines) log_info("server says: " + last_error_line_);
  }
}

void ExecChannel::service() {
  if (is_over_) return;
  write();
  while (has_unread_ && sinks_.has_room() && !lines_.is_overlong()) {
    has_unread_ = false;
    read();
  }
  const bool is_end =
      ssh_channel_is_eof(channel_.get()) != 0 || ssh_channel_is_closed(channel_.get()) != 0;
  is_over_ = lines_.is_overlong() || (is_end && !has_unread_);
}

std::string ExecChannel::end_text() const {
  if (lines_.is_overlong()) return "the agent sent a line of more than 64 KiB";
  const std::string end = "the server ended the agent";
  return last_error_line_.empty() ? end : end + ": " + last_error_line_;
}

}  // namespace reversi::worker

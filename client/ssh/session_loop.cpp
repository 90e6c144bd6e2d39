#include "client/ssh/session_loop.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include <boost/asio/post.hpp>

#include "common/core/error.h"
#include "common/io/coro.h"

namespace reversi {
namespace {

constexpr int kPollsPerTurn = 64;  // libssh reads 4 KiB a poll
constexpr int kPollsPerFlush = 4;

int duplicate(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) throw std::runtime_error("no file descriptor left");
  return copy;
}

}  // namespace

SessionLoop::SessionLoop(asio::ip::tcp::socket socket, SshSession session)
    : session_(std::move(session)),
      waiter_(socket.get_executor(), duplicate(socket.native_handle())),
      turned_(socket.get_executor()) {
  // libssh owns this descriptor from here on: it closes it when the session breaks.
  socket_t fd = socket.release();
  ssh_options_set(session_.get(), SSH_OPTIONS_FD, &fd);
  ssh_set_blocking(session_.get(), 0);
  ssh_set_counters(session_.get(), &traffic_, nullptr);
}

SessionLoop::~SessionLoop() {
  if (event_) {
    poll(1);  // lets libssh notice that it may write
    ssh_event_remove_session(event_.get(), session_.get());
    event_.reset();
  }
  const int fd = ssh_get_fd(session_.get());
  ssh_disconnect(session_.get());
  // ssh_disconnect() leaves a descriptor open that it was given.
  if (fd >= 0) ::close(fd);
}

void SessionLoop::connected() {
  event_.reset(ssh_event_new());
  if (!event_ || ssh_event_add_session(event_.get(), session_.get()) != SSH_OK) {
    throw std::runtime_error("libssh: no event for the session");
  }
}

bool SessionLoop::is_congested() const {
  return (ssh_get_status(session_.get()) & SSH_WRITE_PENDING) != 0;
}

void SessionLoop::poll(int most_polls) {
  for (int polls = 0; polls < most_polls; ++polls) {
    // SSH_AGAIN: nothing to do any more. SSH_ERROR: the session is over, seen below.
    if (ssh_event_dopoll(event_.get(), 0) < 0) break;
  }
}

void SessionLoop::flush() {
  for (int polls = 0; polls < kPollsPerFlush && is_congested(); ++polls) poll(1);
}

void SessionLoop::note_end() {
  if (is_over_ || !event_) return;
  const bool is_alive = ssh_is_connected(session_.get()) != 0 &&
                        (ssh_get_status(session_.get()) & (SSH_CLOSED | SSH_CLOSED_ERROR)) == 0;
  if (is_alive) return;
  is_over_ = true;
  end_text_ = printable(ssh_get_error(session_.get()));
  char byte = 0;
  const bool end_of_stream = ::recv(socket_fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  was_closed_ = end_of_stream || end_text_.find("DISCONNECT") != std::string::npos;
}

void SessionLoop::turn() {
  if (event_ && !is_over_) poll(kPollsPerTurn);
  note_end();
  is_end_told_ = is_over_;
  bytes_handled_ = traffic_.in_bytes;
  if (on_turn_) on_turn_();
  turned_.cancel();
  settle();
}

void SessionLoop::turn_soon() {
  if (std::exchange(is_turn_posted_, true)) return;
  asio::post(waiter_.get_executor(), [this, alive = std::weak_ptr(is_alive_)] {
    if (alive.expired()) return;
    is_turn_posted_ = false;
    turn();
  });
}

void SessionLoop::wait_for_socket(asio::posix::descriptor_base::wait_type direction, bool& waits) {
  if (std::exchange(waits, true)) return;
  waiter_.async_wait(direction, [this, &waits, alive = std::weak_ptr(is_alive_)](
                                    const boost::system::error_code& ec) {
    if (ec || alive.expired()) return;
    waits = false;
    turn();
  });
}

void SessionLoop::settle() {
  // libssh makes the descriptor blocking again while it connects.
  if (!event_) waiter_.native_non_blocking(true);
  note_end();
  if (traffic_.in_bytes != bytes_handled_ || is_over_ != is_end_told_) turn_soon();
  if (is_over_) return;
  wait_for_socket(asio::posix::descriptor_base::wait_read, waits_to_read_);
  if ((ssh_get_poll_flags(session_.get()) & SSH_WRITE_PENDING) != 0) {
    wait_for_socket(asio::posix::descriptor_base::wait_write, waits_to_write_);
  }
}

asio::awaitable<bool> SessionLoop::turn_before(Deadline deadline) {
  turned_.expires_at(deadline);
  const auto [ec] = co_await turned_.async_wait(kAsResult);
  co_return ec == asio::error::operation_aborted;
}

asio::awaitable<int> SessionLoop::until_done(std::function<int()> call, Deadline deadline) {
  for (;;) {
    const int rc = call();
    note_end();
    settle();
    if (rc != SSH_AGAIN) co_return rc;
    if (is_over_) co_return SSH_ERROR;
    if (!co_await turn_before(deadline)) co_return SSH_AGAIN;
  }
}

}  // namespace reversi

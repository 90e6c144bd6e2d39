#include "client/ssh/session_loop.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <boost/asio/post.hpp>

#include "common/core/error.h"
#include "common/io/coro.h"
#include "common/io/tcp_progress.h"

namespace reversi {
namespace {

constexpr int kPollsPerTurn = 64;
constexpr std::uint64_t kMostReadPerTurn = 64 * 4096;
// What libssh reads a poll; a build of its own reads more.
constexpr std::uint64_t kLeastRead = 4096;
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
      write_fd_(duplicate(socket.native_handle())),
      writer_(socket.get_executor()),
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
  if (writer_.is_open()) writer_.release();
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

bool SessionLoop::has_unwritten() const {
  return (ssh_get_status(session_.get()) & SSH_WRITE_PENDING) != 0;
}

/// While it connects, libssh says so only by what it polls for.
bool SessionLoop::wants_to_write() const {
  if (event_) return has_unwritten();
  return (ssh_get_poll_flags(session_.get()) & SSH_WRITE_PENDING) != 0;
}

bool SessionLoop::is_congested() {
  const bool is_congested = has_unwritten() || held_back_at_ == traffic_.out_bytes ||
                            refused_at_ == traffic_.out_bytes + traffic_.in_bytes;
  was_refused_ = was_refused_ || is_congested;
  return is_congested;
}

void SessionLoop::given(std::uint64_t sent_before) {
  const bool is_held_back = !has_unwritten() && traffic_.out_bytes == sent_before;
  held_back_at_ = is_held_back ? std::optional(sent_before) : std::nullopt;
}

void SessionLoop::note_answer_after(Millis time) {
  fastest_answer_ = std::min(fastest_answer_.value_or(time), time);
}

Millis SessionLoop::round_trip() {
  return std::max(tcp_round_trip(socket_fd()), fastest_answer_.value_or(Millis{0}));
}

void SessionLoop::poll(int most_polls) {
  const std::uint64_t read_at_start = traffic_.in_bytes;
  for (int polls = 0; polls < most_polls; ++polls) {
    const std::uint64_t read_before = traffic_.in_bytes;
    // SSH_AGAIN: nothing to do any more. SSH_ERROR: the session is over, seen below.
    if (ssh_event_dopoll(event_.get(), 0) < 0) break;
    // Less than was asked for: the socket is empty, and waiting for it costs less than asking it.
    if (traffic_.in_bytes - read_before < kLeastRead) break;
    if (traffic_.in_bytes - read_at_start >= kMostReadPerTurn) break;
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
  was_refused_ = false;
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

void SessionLoop::wait_to_read() {
  if (std::exchange(waits_to_read_, true)) return;
  waiter_.async_wait(waiter_.wait_read,
                     [this, alive = std::weak_ptr(is_alive_)](const boost::system::error_code& ec) {
                       if (ec || alive.expired()) return;
                       waits_to_read_ = false;
                       turn();
                     });
}

/// With a descriptor of its own, known to Asio for this one wait: Asio goes on listening for what it was
/// once asked for, and would be woken by every acknowledgement of the peer's kernel from then on.
void SessionLoop::wait_to_write() {
  if (writer_.is_open()) return;
  writer_.assign(write_fd_.get());
  writer_.async_wait(writer_.wait_write,
                     [this, alive = std::weak_ptr(is_alive_)](const boost::system::error_code& ec) {
                       if (ec || alive.expired()) return;
                       writer_.release();
                       turn();
                     });
}

void SessionLoop::settle() {
  // libssh makes the descriptor blocking again while it connects.
  if (!event_) waiter_.native_non_blocking(true);
  // libssh writes once, and then not before a poll has told it that the socket takes more. Asked only
  // when something waits: with the question left open, the two packets of the next read are one write.
  if (event_ && !is_over_ && wants_to_write()) poll(1);
  note_end();
  // Who was told to wait is not left waiting for a socket that can be written to by now.
  if (!is_over_ && std::exchange(was_refused_, false) && !is_congested()) turn_soon();
  if (traffic_.in_bytes != bytes_handled_ || is_over_ != is_end_told_) turn_soon();
  if (is_over_) return;
  wait_to_read();
  if (wants_to_write()) wait_to_write();
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

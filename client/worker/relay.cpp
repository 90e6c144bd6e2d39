#include "client/worker/relay.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "client/ssh/receive_window.h"
#include "client/worker/relay_set.h"
#include "common/io/clock.h"
#include "common/io/coro.h"

namespace reversi::worker {
namespace {

constexpr int kCloseAttempts = 3;  // EOF, CLOSE, and the proof that both are out

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

Relay::Relay(RelaySet& set, SshChannel channel)
    : set_(set), channel_(std::move(channel)), socket_(set.executor()) {
  callbacks_.userdata = this;
  callbacks_.channel_data_function = on_data;
  callbacks_.channel_eof_function = on_mark;
  callbacks_.channel_close_function = on_close;
  ssh_callbacks_init(&callbacks_);
  ssh_set_channel_callbacks(channel_.get(), &callbacks_);
}

Relay::~Relay() {
  close();
}

// ---- callbacks: inside any call into libssh; they send to sockets and mark, nothing else -----------

int Relay::on_data(ssh_session /*session*/, ssh_channel /*channel*/, void* data, uint32_t size,
                   int is_stderr, void* relay) {
  auto& self = *static_cast<Relay*>(relay);
  if (is_stderr != 0) return static_cast<int>(size);  // means nothing on such a channel
  std::size_t taken = 0;
  if (self.is_attached_ && self.pending_.empty() && !self.has_unread_) {
    taken = self.set_.join(self, {static_cast<const char*>(data), size});
  }
  if (taken < size) self.has_unread_ = true;
  self.in_library(size);
  if (taken < size || self.has_passed_) self.set_.mark(self);
  return static_cast<int>(taken);
}

void Relay::on_mark(ssh_session /*session*/, ssh_channel /*channel*/, void* relay) {
  auto& self = *static_cast<Relay*>(relay);
  self.set_.mark(self);
}

void Relay::on_close(ssh_session /*session*/, ssh_channel /*channel*/, void* relay) {
  auto& self = *static_cast<Relay*>(relay);
  self.saw_close_ = true;
  self.set_.mark(self);
}

/// Sends what the socket takes. A broken socket takes everything, so that nothing piles up for it.
std::size_t Relay::take(const char* data, std::size_t size) {
  if (is_broken_) return size;
  const ssize_t sent = ::send(socket_.native_handle(), data, size, 0);
  if (sent >= 0) {
    active_tick_ = set_.now_tick();
    has_passed_ = window_.passed(static_cast<std::size_t>(sent));
    return static_cast<std::size_t>(sent);
  }
  if (would_block()) return 0;
  is_broken_ = true;
  set_.mark(*this);
  return size;
}

void Relay::take_joined(std::span<const char> data) {
  const std::size_t taken = take(data.data(), data.size());
  if (taken < data.size()) pending_.assign(data.data() + taken, data.size() - taken);
  if (taken < data.size() || has_passed_) set_.mark(*this);
}

// ---- channel → socket -----------------------------------------------------------------------------

void Relay::attach(LocalSocket socket) {
  if (!channel_) return;
  socket_ = std::move(socket);
  is_attached_ = true;
  service();  // before all else: what came, and perhaps the end, before there was a target
  pull();
}

/// libssh's buffer does not get smaller when it is read.
void Relay::in_library(std::size_t bytes) {
  if (bytes <= most_in_library_) return;
  most_in_library_ = bytes;
  note_kept();
}

/// What is kept costs memory, and the set has to know of all of it.
void Relay::note_kept() {
  const std::size_t kept = channel_ ? kept_bytes() : 0;
  set_.kept_changed(noted_kept_, kept);
  noted_kept_ = kept;
}

void Relay::widen_window() {
  has_passed_ = false;
  if (has_unread_ || !pending_.empty()) return;  // it does not keep up with what there is
  const std::size_t promised = promised_bytes();
  const auto most =
      static_cast<std::uint32_t>(std::min(set_.most_window(), window_.size() + set_.room()));
  const auto opened = window_.look(mono_now(), set_.loop().round_trip(), most);
  if (!opened) return;
  set_.promise_changed(promised, promised_bytes());
  open_receive_window(channel_.get(), *opened);
}

void Relay::deliver() {
  if (!pending_.empty()) {
    pending_sent_ += take(pending_.data() + pending_sent_, pending_.size() - pending_sent_);
    if (pending_sent_ < pending_.size()) return wait_writable();
    pending_ = {};  // gives the memory back
    pending_sent_ = 0;
  }
  if (has_unread_) drain_library();
  // A channel of the canary may have been closed before there were callbacks to tell of it.
  saw_close_ = saw_close_ || ssh_channel_is_closed(channel_.get()) != 0;
  if (!pending_.empty()) return wait_writable();
  const bool is_end = saw_close_ || ssh_channel_is_eof(channel_.get()) != 0;
  if (is_end && !has_unread_ && !std::exchange(passed_eof_, true)) {
    ::shutdown(socket_.native_handle(), SHUT_WR);
  }
}

void Relay::drain_library() {
  // With an empty buffer this polls, and on_data may run: it must see has_unread_ and take nothing,
  // or bytes would overtake each other.
  int left = ssh_channel_poll(channel_.get(), 0);
  has_unread_ = false;
  if (left > 0) in_library(static_cast<std::size_t>(left));
  while (left > 0) {
    const auto chunk = set_.scratch().first(
        std::min<std::size_t>(set_.scratch().size(), static_cast<std::size_t>(left)));
    const int size = ssh_channel_read_nonblocking(channel_.get(), chunk.data(),
                                                  static_cast<uint32_t>(chunk.size()), 0);
    if (size <= 0) break;
    left -= size;
    const auto read = chunk.first(static_cast<std::size_t>(size));
    const std::size_t taken = pending_.empty() ? take(read.data(), read.size()) : 0;
    if (taken == read.size()) continue;
    if (pending_.empty()) pending_.reserve(read.size() - taken + static_cast<std::size_t>(left));
    pending_.append(read.data() + taken, read.size() - taken);
  }
}

void Relay::wait_writable() {
  if (waits_writable_ || is_broken_) return;
  waits_writable_ = true;
  socket_.async_wait(LocalSocket::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& ec) {
                       self->waits_writable_ = false;
                       if (ec || !self->channel_) return;
                       self->service();
                       self->set_.settle();
                     });
}

// ---- socket → channel -----------------------------------------------------------------------------

bool Relay::has_window() const {
  return channel_ && ssh_channel_window_size(channel_.get()) > 0;
}

/// What libssh does not take is kept and tried again.
void Relay::feed(const char* data, std::size_t size) {
  active_tick_ = set_.now_tick();
  const std::uint64_t sent_before = set_.loop().bytes_sent();
  const int taken = ssh_channel_write(channel_.get(), data, static_cast<uint32_t>(size));
  if (taken > 0) set_.loop().given(sent_before);
  if (taken == 0) set_.loop().took_nothing();
  if (taken < 0) {  // closed by the server, or the session is over: nobody wants these bytes
    saw_local_eof_ = sent_eof_ = true;
    tail_ = {};
  } else {
    tail_.assign(data + taken, size - static_cast<std::size_t>(taken));
  }
}

/// One read at most: whoever else is ready comes before the next.
void Relay::pull() {
  if (!channel_ || !is_attached_ || is_broken_ || sent_eof_) return finish_if_done();
  if (set_.loop().is_congested()) set_.loop().flush();
  if (set_.loop().is_congested() || !has_window()) return set_.wait_for_room(*this);
  bool has_more = false;
  if (!tail_.empty()) {
    const std::string tail = std::exchange(tail_, {});
    feed(tail.data(), tail.size());
  } else if (!saw_local_eof_) {
    has_more = read_socket();
  }
  if (saw_local_eof_ && tail_.empty() && !std::exchange(sent_eof_, true)) {
    ssh_channel_send_eof(channel_.get());
  }
  if (is_broken_ || sent_eof_) return finish_if_done();
  if (!tail_.empty()) return set_.wait_for_room(*this);
  if (!has_more || !set_.wait_for_turn(*this)) wait_readable();
}

/// @returns whether there is more, most likely
bool Relay::read_socket() {
  const std::size_t most =
      std::min<std::size_t>(set_.chunk_bytes(), ssh_channel_window_size(channel_.get()));
  const ssize_t size = ::recv(socket_.native_handle(), set_.scratch().data(), most, 0);
  if (size > 0) {
    set_.note_read(static_cast<std::size_t>(size));
    feed(set_.scratch().data(), static_cast<std::size_t>(size));
  } else if (size == 0) {
    saw_local_eof_ = true;
  } else if (!would_block()) {
    is_broken_ = true;
  }
  return size == static_cast<ssize_t>(most);
}

void Relay::wait_readable() {
  if (waits_readable_) return;
  waits_readable_ = true;
  socket_.async_wait(LocalSocket::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& ec) {
                       self->waits_readable_ = false;
                       if (ec || !self->channel_) return;
                       self->pull();
                       self->set_.settle();
                     });
}

// ---- the end --------------------------------------------------------------------------------------

void Relay::service() {
  set_.send_joined();
  if (!channel_ || !is_attached_) return;
  if (!is_broken_) deliver();
  note_kept();
  if (has_passed_) widen_window();
  finish_if_done();
}

void Relay::finish_if_done() {
  set_.send_joined();
  if (!channel_) return;
  const bool delivered = pending_.empty() && !has_unread_;
  const bool both_ended = sent_eof_ && passed_eof_;
  if (is_broken_ || (delivered && (saw_close_ || both_ended))) close();
}

void Relay::close() {
  if (!channel_) return;
  set_.send_joined();
  // First of all, or libssh calls into a relay that is gone.
  ssh_remove_channel_callbacks(channel_.get(), &callbacks_);
  SshChannel channel = std::move(channel_);
  const ssh_channel ended = channel.get();
  note_kept();
  set_.promise_changed(promised_bytes(), 0);
  if (!saw_close_) set_.linger(std::move(channel), most_in_library_);
  // AGAIN may mean that the CLOSE was not even queued; asking again is then what sends it.
  for (int attempt = 0; attempt < kCloseAttempts; ++attempt) {
    if (ssh_channel_close(ended) != SSH_AGAIN) break;
  }
  boost::system::error_code ignored;
  socket_.close(ignored);
  set_.remove(*this);
}

}  // namespace reversi::worker

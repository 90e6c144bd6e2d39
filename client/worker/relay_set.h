#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "client/ssh/session_loop.h"
#include "client/worker/lingering.h"
#include "client/worker/relay.h"
#include "common/core/time.h"

namespace reversi::worker {

/// Every relay of the session: who has something to do, and who waits for the session to take more.
class RelaySet {
 public:
  static constexpr std::size_t kMostRelays = 1100;
  /// Near the bound, channels whose user is gone and whose service has said nothing for this long
  /// are ended: one service that hangs must not keep users from the others.
  static constexpr std::size_t kCrowdedRelays = 1000;
  static constexpr int kAbandonedTicks = 60;
  /// What a relay reads at once: two of libssh's data packets. Less costs more system calls a byte, and
  /// is what a few words on another channel have to wait for: so half a packet while there are any.
  static constexpr std::size_t kChunkBytes = 2 * 32758;
  static constexpr std::size_t kPoliteChunkBytes = 32758 / 2;
  /// So many reads a turn, then whatever else waits has a turn: the session's commands and answers.
  static constexpr int kMostPullsPerTurn = 16;
  static constexpr std::size_t kMostWordsBytes = 2048;
  static constexpr std::size_t kJoinedBytes = 256 * 1024;  // what is read of the session in a turn
  static constexpr std::size_t kPoliteBytes = 4 * 1024 * 1024;  // after a few words, for so long

  /// @param most_kept  bytes that may be kept for slow readers, all together. Beyond it relays are
  ///                   ended (client/core/kept_memory.h): libssh cannot be kept from opening a window
  ///                   of 1.28 MB to each channel, and a node that runs out of memory is lost. As much
  ///                   again may be kept by those that were ended, until the server closes them too.
  RelaySet(SessionLoop& loop, boost::asio::any_io_executor executor, std::size_t most_kept)
      : loop_(loop), executor_(std::move(executor)), most_kept_(most_kept) {}
  ~RelaySet() { clear(); }
  RelaySet(const RelaySet&) = delete;
  RelaySet& operator=(const RelaySet&) = delete;

  [[nodiscard]] std::shared_ptr<Relay> add(SshChannel channel);
  [[nodiscard]] bool is_full() const { return relays_.size() >= kMostRelays; }
  [[nodiscard]] std::size_t size() const { return relays_.size(); }

  /// After every turn of the session: services the marked, then lets the waiting feed the session.
  void service();
  /// After anything that touched libssh outside of a turn.
  void settle();
  /// When tick() is due; never, while there is room.
  [[nodiscard]] std::optional<MonoTime> next_tick() const;
  /// Near the bound: ends what is abandoned.
  void tick(MonoTime now);
  /// The server leaves so much open that was ended here, that only the session's end frees it.
  [[nodiscard]] bool lingers_too_much() const { return lingering_.bytes() > most_kept_; }
  /// Ends every relay. Before the session ends.
  void clear();

  // ---- for Relay ----
  /// In seconds. By the clock, so that an idle worker need not wake to count them.
  [[nodiscard]] int now_tick() const;
  void mark(Relay& relay);
  void wait_for_room(Relay& relay);
  /// It has more to read: it is to have a go at the next turn. False: it shall wait for its socket, so
  /// that others whose sockets are ready come in between.
  [[nodiscard]] bool wait_for_turn(Relay& relay);
  /// Sends data to the relay's socket, what follows on other data of the same turn with all that follows.
  /// @returns how much of it was taken
  std::size_t join(Relay& relay, std::span<const char> data);
  void send_joined();
  void remove(Relay& relay) { relays_.erase(&relay); }
  void linger(SshChannel channel, std::size_t kept) { lingering_.add(std::move(channel), kept); }
  [[nodiscard]] SessionLoop& loop() { return loop_; }
  [[nodiscard]] const boost::asio::any_io_executor& executor() const { return executor_; }
  /// Shared by all; used only at the top of the loop, never in a callback.
  [[nodiscard]] std::span<char> scratch() { return scratch_; }
  [[nodiscard]] std::size_t chunk_bytes() const {
    return is_polite() ? kPoliteChunkBytes : kChunkBytes;
  }
  /// What one window may be widened to, and what is left to promise to all of them.
  [[nodiscard]] std::size_t most_window() const { return most_kept_ / 2; }
  [[nodiscard]] std::size_t room() const {
    return most_kept_ - std::min(most_kept_, kept_ + promised_);
  }
  void kept_changed(std::size_t before, std::size_t after) { kept_ += after - before; }
  void promise_changed(std::size_t before, std::size_t after) { promised_ += after - before; }
  void note_read(std::size_t size) {
    bytes_since_words_ = size <= kMostWordsBytes ? 0 : bytes_since_words_ + size;
  }

 private:
  /// Somebody exchanges a few words: bulk data goes on piece by piece.
  [[nodiscard]] bool is_polite() const { return bytes_since_words_ < kPoliteBytes; }
  void service_marked();
  void keep_within_limit();

  SessionLoop& loop_;
  boost::asio::any_io_executor executor_;
  Lingering lingering_;
  std::unordered_map<Relay*, std::shared_ptr<Relay>> relays_;
  std::vector<std::shared_ptr<Relay>> marked_;
  std::deque<std::shared_ptr<Relay>> waiting_;
  std::uint64_t bytes_since_words_ = kPoliteBytes;
  MonoTime ticked_at_{};
  const std::size_t most_kept_;
  std::size_t kept_ = 0;      // bytes, by relays
  std::size_t promised_ = 0;  // bytes that windows were given beyond libssh's own
  std::array<char, kChunkBytes> scratch_;
  Relay* joins_ = nullptr;  // whose data came last in this turn
  std::size_t joined_size_ = 0;
  std::array<char, kJoinedBytes> joined_;
};

}  // namespace reversi::worker

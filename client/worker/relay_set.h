#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "client/ssh/session_loop.h"
#include "client/worker/relay.h"

namespace reversi::worker {

/// Every relay of the session: who has something to do, and who waits for the session to take more.
class RelaySet {
 public:
  static constexpr std::size_t kMostRelays = 1100;
  /// Near the bound, channels whose user is gone and whose service has said nothing for this long
  /// are ended: one service that hangs must not keep users from the others.
  static constexpr std::size_t kCrowdedRelays = 1000;
  static constexpr int kAbandonedTicks = 60;
  /// Two of libssh's data packets: the compromise between bulk speed and the latency of a small
  /// channel beside it (measured).
  static constexpr std::size_t kChunkBytes = 2 * 32758;

  explicit RelaySet(SessionLoop& loop, boost::asio::any_io_executor executor)
      : loop_(loop), executor_(std::move(executor)) {}
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
  /// Once a second.
  void tick();
  /// Ends every relay. Before the session ends.
  void clear();

  // ---- for Relay ----
  [[nodiscard]] int now_tick() const { return tick_; }
  void mark(Relay& relay);
  void wait_for_room(Relay& relay);
  void remove(Relay& relay) { relays_.erase(&relay); }
  [[nodiscard]] SessionLoop& loop() { return loop_; }
  [[nodiscard]] const boost::asio::any_io_executor& executor() const { return executor_; }
  /// Shared by all; used only at the top of the loop, never in a callback.
  [[nodiscard]] std::span<char> scratch() { return scratch_; }

 private:
  void service_marked();

  SessionLoop& loop_;
  boost::asio::any_io_executor executor_;
  std::unordered_map<Relay*, std::shared_ptr<Relay>> relays_;
  std::vector<std::shared_ptr<Relay>> marked_;
  std::deque<std::shared_ptr<Relay>> waiting_;
  int tick_ = 0;
  std::array<char, kChunkBytes> scratch_;
};

}  // namespace reversi::worker

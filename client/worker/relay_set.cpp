#include "client/worker/relay_set.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "common/io/clock.h"
#include "common/io/log.h"

namespace reversi::worker {

constexpr Millis kCrowdedTick{1000};
constexpr int kRestsTicks = 2;

std::shared_ptr<Relay> RelaySet::add(SshChannel channel) {
  auto relay = std::make_shared<Relay>(*this, std::move(channel));
  relays_.emplace(relay.get(), relay);
  return relay;
}

void RelaySet::mark(Relay& relay) {
  if (std::exchange(relay.is_marked_, true)) return;
  marked_.push_back(relay.shared_from_this());
}

void RelaySet::wait_for_room(Relay& relay) {
  if (std::exchange(relay.is_waiting_, true)) return;
  waiting_.push_back(relay.shared_from_this());
}

std::size_t RelaySet::join(Relay& relay, std::span<const char> data) {
  bytes_since_words_ += data.size();
  if (joins_ != &relay || is_polite() || joined_size_ + data.size() > joined_.size()) {
    send_joined();
    if (relay.has_waiting()) return 0;
    joins_ = &relay;
    return relay.take(data.data(), data.size());  // its reader starts while the rest comes
  }
  std::ranges::copy(data, joined_.begin() + static_cast<std::ptrdiff_t>(joined_size_));
  joined_size_ += data.size();
  return data.size();
}

void RelaySet::send_joined() {
  Relay* const relay = std::exchange(joins_, nullptr);
  const std::size_t size = std::exchange(joined_size_, 0);
  if (relay != nullptr && size > 0) relay->take_joined(std::span(joined_).first(size));
}

bool RelaySet::wait_for_turn(Relay& relay) {
  if (is_polite()) return false;
  wait_for_room(relay);
  loop_.turn_soon();
  return true;
}

void RelaySet::service_marked() {
  send_joined();
  // Work on one relay may run callbacks that mark others; those wait for the next round.
  while (!marked_.empty()) {
    for (const auto& relay : std::exchange(marked_, {})) {
      relay->is_marked_ = false;
      relay->service();
    }
  }
}

void RelaySet::service() {
  service_marked();
  // Each gets one go, in turn; those without a window stay in line without using the session.
  int pulls = 0;
  std::size_t left = waiting_.size();
  for (; left > 0 && pulls < kMostPullsPerTurn && !loop_.is_congested(); --left) {
    const auto relay = std::move(waiting_.front());
    waiting_.pop_front();
    relay->is_waiting_ = false;
    if (relay->is_closed()) continue;  // while it stood in line
    if (!relay->has_window()) {
      wait_for_room(*relay);
      continue;
    }
    ++pulls;
    relay->pull();
  }
  if (left > 0 && pulls == kMostPullsPerTurn) loop_.turn_soon();
  service_marked();
  keep_within_limit();
  lingering_.free_closed();
}

void RelaySet::keep_within_limit() {
  while (kept_ > most_kept_ && !relays_.empty()) {
    const int rests_since = now_tick() - kRestsTicks;
    const auto first = std::ranges::max_element(relays_, {}, [&](const auto& entry) {
      const Relay& relay = *entry.first;
      return client::turn_to_end(
          {relay.kept_bytes(), relay.has_waiting(), relay.rests_since(rests_since)});
    });
    const auto relay = first->second;
    log_info("a connection was ended: its reader was slow, and " +
             std::to_string(relay->kept_bytes()) + " bytes are kept for it; the limit of all is " +
             std::to_string(most_kept_) + " bytes (max_buffered_mib)");
    relay->close();
  }
}

void RelaySet::settle() {
  service_marked();
  loop_.settle();
}

int RelaySet::now_tick() const {
  const auto now = mono_now().time_since_epoch();
  return static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

std::optional<MonoTime> RelaySet::next_tick() const {
  if (relays_.size() < kCrowdedRelays) return std::nullopt;
  return ticked_at_ + kCrowdedTick;
}

void RelaySet::tick(MonoTime now) {
  if (relays_.size() < kCrowdedRelays || now < ticked_at_ + kCrowdedTick) return;
  ticked_at_ = now;
  const int oldest = now_tick() - kAbandonedTicks;
  std::vector<std::shared_ptr<Relay>> abandoned;
  for (const auto& [key, relay] : relays_) {
    if (relay->is_abandoned_since(oldest)) abandoned.push_back(relay);
  }
  for (const auto& relay : abandoned) relay->close();
}

void RelaySet::clear() {
  while (!relays_.empty()) {
    const auto relay = relays_.begin()->second;
    relay->close();
  }
  marked_.clear();
  waiting_.clear();
  lingering_.clear();
}

}  // namespace reversi::worker

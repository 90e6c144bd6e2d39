#include "client/worker/relay_set.h"

#include <utility>

namespace reversi::worker {

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

void RelaySet::service_marked() {
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
  for (std::size_t left = waiting_.size(); left > 0 && !loop_.is_congested(); --left) {
    const auto relay = std::move(waiting_.front());
    waiting_.pop_front();
    relay->is_waiting_ = false;
    relay->has_window() ? relay->pull() : wait_for_room(*relay);
  }
  service_marked();
}

void RelaySet::settle() {
  service_marked();
  loop_.settle();
}

void RelaySet::tick() {
  ++tick_;
  if (relays_.size() < kCrowdedRelays) return;
  std::vector<std::shared_ptr<Relay>> abandoned;
  for (const auto& [key, relay] : relays_) {
    if (relay->is_abandoned_since(tick_ - kAbandonedTicks)) abandoned.push_back(relay);
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
}

}  // namespace reversi::worker

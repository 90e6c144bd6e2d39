// The part of AgentSession that other processes ask for: newcomers, admin verbs, the init system.

#include <algorithm>

#include "server/core/agent_session.h"
#include "server/core/eviction.h"
#include "server/core/node_view.h"

namespace reversi::server {
namespace {

constexpr std::size_t kMostProbeRequests = 4;
/// The machine goes down and will not wait for us.
constexpr Millis kDrainGrace{1'000};
/// For a node to make a key: its flash may be slow.
constexpr Millis kRotationLimit{30'000};
constexpr Millis kRotationGrace{3'000};

}  // namespace

void AgentSession::on(const ChallengeAsked& event) {
  if (phase_ != Phase::serve || challenge_) {
    actions_.emplace_back(Reply{event.request, "not now", {}, {}, false});
    return;
  }
  challenge_ = Challenge{event.request, next_challenge_++, {}, event};
  challenge_->clock.start(now_.mono);
  last_sample_.reset();
  send(Ping{challenge_->number});
}

void AgentSession::settle_challenge(bool is_alive) {
  const Challenge challenge = *std::exchange(challenge_, std::nullopt);
  Reply reply{challenge.request, {}, is_alive, {}, false};
  if (is_alive) {
    const bool is_news =
        !is_recent_conflict(conflict_, now_.wall) || conflict_->machine != challenge.asked.machine;
    if (is_news) {
      conflict_ = ConflictStatus{};
      conflict_->first_seen = now_.wall;
      log(EventKind::conflict, "another machine came with this node's identity");
      Event& logged = std::get<LogEvent>(actions_.back()).event;
      logged.address = challenge.asked.client_address;
      logged.machine = challenge.asked.machine;
    }
    conflict_->client_address = challenge.asked.client_address;
    conflict_->machine = challenge.asked.machine;
    conflict_->last_seen = now_.wall;
    conflict_->count += 1;
    reply.retry_after = duplicate_retry(server_policy_, conflict_->count);
    last_refused_ = RefusedStatus{challenge.asked.client_address, now_.wall, "duplicate"};
    actions_.emplace_back(WriteStatus{});
  }
  actions_.emplace_back(std::move(reply));
}

void AgentSession::on(const ProbeAsked& event) {
  if (phase_ != Phase::serve || probe_requests_.size() >= kMostProbeRequests) {
    actions_.emplace_back(Reply{event.request, "not now", {}, {}, false});
    return;
  }
  probe_requests_.push_back(event.request);
  for (WatchedForward& forward : forwards_) forward.is_wanted = forward.is_served;
}

void AgentSession::on(const EvictAsked& event) {
  actions_.emplace_back(Reply{event.request, {}, {}, {}, false});
  log(EventKind::evicted, event.why);
  end(true, "evicted: " + event.why);
}

void AgentSession::on(const ReloadAsked& event) {
  actions_.emplace_back(Reply{event.request, {}, {}, {}, false});
  if (phase_ != Phase::serve) return;
  if (!event.is_enabled) {
    return refuse({RefusedReason::disabled, "the administrator disabled this node",
                   server_policy_.refused_retry});
  }
  // A session keeps the permissions it was born with: other ports need another session.
  const auto ports = [](const std::vector<NodeForward>& forwards) {
    std::vector<std::pair<std::string, Port>> pairs;
    for (const NodeForward& forward : forwards)
      pairs.emplace_back(forward.name.text(), forward.port);
    std::ranges::sort(pairs);
    return pairs;
  };
  if (ports(event.granted) != ports(granted_)) return restart("the node's grants have changed");
  granted_ = event.granted;
  for (const WatchedForward& fresh : match_forwards(granted_, hello_, now_.wall).forwards) {
    WatchedForward* forward = find(fresh.status.name);
    if (forward == nullptr || forward->expect == fresh.expect) continue;
    forward->expect = fresh.expect;
    forward->is_wanted = ready_at_.has_value();
  }
}

void AgentSession::on(const RotateKeyAsked& event) {
  if (phase_ != Phase::serve || rotation_) {
    actions_.emplace_back(Reply{event.request, "not now", {}, {}, false});
    return;
  }
  if (!understands("rotate_key")) {
    actions_.emplace_back(Reply{event.request,
                                "the node's client " + printable(hello_.client_version) +
                                    " cannot make a key by itself; upgrade it, or give its new key "
                                    "with `reversi-server node set NODE --key FILE`",
                                {},
                                {},
                                false});
    return;
  }
  rotation_ = Rotation{event.request, now_.mono + kRotationLimit};
  send(RotateKey{event.request});
}

void AgentSession::take(const Rotated& message) {
  if (!rotation_ || rotation_->is_answered || rotation_->request != message.request) return;
  if (!message.error.empty()) return fail_rotation("the node: " + printable(message.error));
  rotation_->is_answered = true;
  actions_.emplace_back(LetKeyIn{message.request, message.public_key});
}

void AgentSession::on(const KeyLetIn& event) {
  if (!rotation_ || rotation_->request != event.request) return;
  if (!event.error.empty()) return fail_rotation(event.error);
  rotation_.reset();
  actions_.emplace_back(Reply{event.request, {}, {}, {}, false});
  send(Restart{"log in with the new key", Millis{0}});
  begin_ending("its key is rotated", kRotationGrace);
}

void AgentSession::fail_rotation(const std::string& why) {
  actions_.emplace_back(Reply{rotation_->request, why, {}, {}, false});
  rotation_.reset();
}

void AgentSession::on(const ServerChanged& event) {
  const Announce present{event.host_keys, event.servers};
  if (phase_ != Phase::serve || present == announced_) return;
  announced_ = present;
  send(present);
}

void AgentSession::on(const DrainAsked& /*event*/) {
  if (phase_ != Phase::serve) return end(true, "the server is going down");
  send(Draining{Millis{0}});
  begin_ending("the server is going down", kDrainGrace);
}

}  // namespace reversi::server

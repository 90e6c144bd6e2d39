#include "client/worker/remote_forward.h"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <libssh/server.h>

#include "client/worker/target_connect.h"
#include "common/io/clock.h"
#include "common/io/coro.h"
#include "common/io/log.h"

namespace reversi::worker {
namespace {

constexpr std::size_t kMostRequests = 4 * kMaxForwards;

}  // namespace

RemoteForwards::RemoteForwards(SessionLoop& loop, RelaySet& relays, Emit emit)
    : loop_(loop), relays_(relays), emit_(std::move(emit)) {
  ssh_set_message_callback(loop_.session(), on_message, this);
}

RemoteForwards::~RemoteForwards() {
  ssh_set_message_callback(loop_.session(), nullptr, nullptr);
  *is_alive_ = false;
}

void RemoteForwards::ask(const client::Forward& request) {
  const auto known = rules_.find(request.forward);
  const bool is_new = known == rules_.end();
  if ((is_new && rules_.size() >= kMaxForwards) || requests_.size() >= kMostRequests) {
    emit_(client::ForwardReply{request.forward, false, "too many forwards"});
    return;
  }
  // A listener of ours that was bound on one address family only is bound anew on both.
  if (!is_new && known->second.listens) {
    requests_.push_back({request.forward, known->second.listen, true});
    known->second.listens = false;
  }
  Rule& rule = rules_[request.forward];
  rule.listen = request.listen;
  rule.target = request.target;
  requests_.push_back({request.forward, request.listen, false});
  service();
}

void RemoteForwards::retarget(const client::Retarget& change) {
  const auto rule = rules_.find(change.forward);
  if (rule != rules_.end()) rule->second.target = change.target;
}

void RemoteForwards::watch(const client::WatchProbe& probe) {
  const auto rule = rules_.find(probe.forward);
  if (rule == rules_.end()) return;
  report(rule->second.probes.watch(probe.probe, probe.originator_port, probe.patience, mono_now()));
}

void RemoteForwards::report(const std::optional<client::ProbeMatcher::Match>& match) {
  if (match) emit_(client::ProbeSeen{match->probe, match->target});
}

std::optional<MonoTime> RemoteForwards::next_deadline() const {
  std::optional<MonoTime> next = answer_by_;
  for (const auto& [name, rule] : rules_) next = earlier(next, rule.probes.next_overdue());
  return next;
}

void RemoteForwards::report_overdue(MonoTime now) {
  for (auto& [name, rule] : rules_) {
    for (const auto& match : rule.probes.overdue(now)) report(match);
  }
}

bool RemoteForwards::is_stuck(MonoTime now) const {
  return answer_by_ && now >= *answer_by_;
}

void RemoteForwards::service() {
  while (!requests_.empty() && !loop_.is_over() && advance_request()) {
  }
  for (const Opened& opened : std::exchange(opened_, {})) join(opened);
}

/// False: the answer is not there yet.
bool RemoteForwards::advance_request() {
  const Request& request = requests_.front();
  if (!answer_by_) answer_by_ = mono_now() + kReplyLimit;
  const int rc = request.is_cancel
                     ? ssh_channel_cancel_forward(loop_.session(), request.listen.host.c_str(),
                                                  request.listen.port)
                     : ssh_channel_listen_forward(loop_.session(), request.listen.host.c_str(),
                                                  request.listen.port, nullptr);
  if (rc == SSH_AGAIN) return false;
  loop_.note_answer_after(mono_now() - (*answer_by_ - kReplyLimit));
  answer_by_.reset();
  const Request done = std::move(requests_.front());
  requests_.pop_front();
  if (done.is_cancel) return true;  // refused or not, the next request tells
  const bool listens = rc == SSH_OK;
  if (const auto rule = rules_.find(done.forward); rule != rules_.end()) {
    rule->second.listens = listens;
  }
  emit_(client::ForwardReply{done.forward, listens,
                             listens ? ""
                                     : "the server refused to listen on " +
                                           format_endpoint(done.listen) +
                                           ": the port is taken, or not permitted for this key"});
  return true;
}

std::optional<std::string> RemoteForwards::forward_on(int port) const {
  const auto rule = std::ranges::find_if(
      rules_, [&](const auto& entry) { return entry.second.listen.port == port; });
  if (rule == rules_.end()) return std::nullopt;
  return rule->first;
}

/// A callback: accepts a channel for a forward of ours; libssh refuses everything else that the
/// server asks for (1 says so).
int RemoteForwards::on_message(ssh_session /*session*/, ssh_message message, void* forwards) {
  auto& self = *static_cast<RemoteForwards*>(forwards);
  const bool is_channel = ssh_message_type(message) == SSH_REQUEST_CHANNEL_OPEN &&
                          ssh_message_subtype(message) == SSH_CHANNEL_FORWARDED_TCPIP;
  if (!is_channel || self.relays_.is_full()) return 1;
  auto forward = self.forward_on(ssh_message_channel_request_open_destination_port(message));
  if (!forward) return 1;
  SshChannel channel{ssh_message_channel_request_open_reply_accept(message)};
  if (!channel) return 0;
  const auto port =
      static_cast<Port>(ssh_message_channel_request_open_originator_port(message) & 0xFFFF);
  // Its relay is there before anything else arrives: that counts what comes, and sees it closed.
  self.opened_.push_back({self.relays_.add(std::move(channel)), *std::move(forward), port});
  return 0;
}

void RemoteForwards::join(const Opened& opened) {
  const auto rule = rules_.find(opened.forward);
  if (rule == rules_.end()) return opened.relay->close();
  rule->second.probes.channel_opened(opened.originator_port, mono_now());
  asio::co_spawn(
      relays_.executor(),
      connect_and_join(opened.relay, opened.forward, opened.originator_port, rule->second.target),
      kOrThrow);
}

asio::awaitable<void> RemoteForwards::connect_and_join(std::shared_ptr<Relay> relay,
                                                       std::string forward, Port originator_port,
                                                       Target target) {
  const auto is_alive = is_alive_;
  auto connection = co_await connect_target(std::move(target), kTargetLimit);
  if (!*is_alive) co_return;
  if (connection.outcome == TargetOutcome::ok) {
    relay->attach(std::move(connection.socket));
  } else {
    log_debug("forward " + forward + ": " + connection.error);
    relay->close();
  }
  if (const auto rule = rules_.find(forward); rule != rules_.end()) {
    report(rule->second.probes.target_answered(originator_port, connection.outcome, mono_now()));
  }
  relays_.settle();
}

}  // namespace reversi::worker

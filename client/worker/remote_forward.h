#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/core/probe_matcher.h"
#include "client/core/worker_messages.h"
#include "client/worker/relay_set.h"
#include "common/core/time.h"

namespace reversi::worker {

/// The forwards of the session: asks the server to listen (RFC 4254, 7.1), and joins the channels
/// that come back (7.2) with their targets. A channel belongs to the forward that listens on its
/// destination port.
class RemoteForwards {
 public:
  using Emit = std::function<void(client::WorkerEvent)>;

  /// A server answers requests in order, behind whatever a full link still carries; no answer for
  /// this long means that it never will.
  static constexpr Millis kReplyLimit{60'000};
  /// For a user; a probe is told of a silent target sooner, see WatchProbe.
  static constexpr Millis kTargetLimit{10'000};

  RemoteForwards(SessionLoop& loop, RelaySet& relays, Emit emit);
  ~RemoteForwards();
  RemoteForwards(const RemoteForwards&) = delete;
  RemoteForwards& operator=(const RemoteForwards&) = delete;

  void ask(const client::Forward& request);
  void retarget(const client::Retarget& change);
  void watch(const client::WatchProbe& probe);

  /// After every turn of the session.
  void service();
  /// When report_overdue() and is_stuck() are to be asked next, unless something happens before.
  [[nodiscard]] std::optional<MonoTime> next_deadline() const;
  /// Reports the probes whose targets do not answer.
  void report_overdue(MonoTime now);
  /// A request has waited for its answer longer than kReplyLimit: the session is of no use.
  [[nodiscard]] bool is_stuck(MonoTime now) const;

 private:
  struct Rule {
    Endpoint listen;
    Target target;
    bool listens = false;
    client::ProbeMatcher probes;
  };
  /// One global request: libssh can have a single one under way.
  struct Request {
    std::string forward;
    Endpoint listen;
    bool is_cancel = false;
  };
  struct Opened {
    std::shared_ptr<Relay> relay;
    std::string forward;
    Port originator_port = 0;
  };

  static int on_message(ssh_session session, ssh_message message, void* forwards);
  [[nodiscard]] std::optional<std::string> forward_on(int port) const;
  bool advance_request();
  void join(const Opened& opened);
  [[nodiscard]] boost::asio::awaitable<void> connect_and_join(std::shared_ptr<Relay> relay,
                                                              std::string forward,
                                                              Port originator_port, Target target);
  void report(const std::optional<client::ProbeMatcher::Match>& match);

  SessionLoop& loop_;
  RelaySet& relays_;
  Emit emit_;
  std::map<std::string, Rule> rules_;
  std::deque<Request> requests_;
  std::optional<MonoTime> answer_by_;  // set: the first of requests_ was sent
  std::vector<Opened> opened_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  // for coroutines that outlive us
};

}  // namespace reversi::worker

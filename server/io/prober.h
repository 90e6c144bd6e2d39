#pragma once
// One check of one forward, from the server's side, with path proof: look who listens, bind the
// source port, announce it to the node, connect, wait until the node saw exactly that connection
// arrive, and only then send or expect a byte. The meaning of what is seen is in core/verdict.h.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/core/expect.h"
#include "common/core/liveness.h"
#include "common/core/protocol.h"
#include "common/core/time.h"
#include "server/core/agent_session.h"
#include "server/core/verdict.h"
#include "server/io/listeners.h"

namespace reversi::server {

class Prober {
 public:
  struct Hooks {
    std::function<void(const ExpectProbe&)> announce;      ///< tell the node what will arrive
    std::function<void(const std::string& forward)> slow;  ///< past the limit, but it moves
    std::function<MonoTime()> last_progress;               ///< of the whole session
    std::function<Millis(Millis)> quiet_limit;             ///< AgentSession::quiet_limit()
  };

  /// @param own_uid  Whose listeners are this account's sessions.
  Prober(boost::asio::any_io_executor executor, uid_t own_uid, Hooks hooks)
      : executor_(std::move(executor)), own_uid_(own_uid), hooks_(std::move(hooks)) {}

  /// Takes `limit` for the path, and up to a minute while the session makes progress; then
  /// answer_limit() for the answer.
  [[nodiscard]] boost::asio::awaitable<ProbeReport> run(StartProbe job);
  /// The node saw a probe arrive. Unknown and late numbers are ignored.
  void path_seen(const PathSeen& seen);

 private:
  struct Waiting {
    boost::asio::steady_timer timer;
    std::optional<TargetOutcome> outcome;
    Port source = 0;
    ReplyClock clock;
    bool is_slow = false;  ///< and hooks_.slow() was told
  };

  boost::asio::awaitable<ProbeReport> probe_family(StartProbe job, Family family);
  /// timed_out when neither the session moves nor a minute is left: a busy sshd with a full backlog
  /// is late, and a stopped one does not even refuse.
  boost::asio::awaitable<boost::system::error_code> connect(boost::asio::ip::tcp::socket& socket,
                                                            boost::asio::ip::tcp::endpoint to,
                                                            const StartProbe& job,
                                                            Waiting& waiting);
  boost::asio::awaitable<std::optional<TargetOutcome>> wait_for_path(const StartProbe& job,
                                                                     Waiting& waiting);
  boost::asio::awaitable<void> run_out(const StartProbe& job, Waiting& waiting);
  /// Waits until waiting.clock may say something new, or somebody cancels the timer; false once the
  /// time is over.
  boost::asio::awaitable<bool> wait_on(const StartProbe& job, Waiting& waiting);
  /// Binds to a port that no waiting probe of either family has: the node knows a probe by it.
  [[nodiscard]] boost::system::error_code bind_source(boost::asio::ip::tcp::socket& socket,
                                                      Family family) const;
  [[nodiscard]] std::optional<ProbeReport> judge_listeners(
      const StartProbe& job, const std::vector<Listener>& found) const;

  boost::asio::any_io_executor executor_;
  uid_t own_uid_;
  Hooks hooks_;
  std::int64_t next_probe_ = 1;
  /// The listeners of a port, both families, when both last led to the node.
  std::map<Port, std::vector<Listener>> proven_;
  using WaitingProbes = std::map<std::int64_t, Waiting*>;
  /// Shared with the probes: at exit the loop destroys those under way after the prober is gone.
  std::shared_ptr<WaitingProbes> waiting_ = std::make_shared<WaitingProbes>();
};

}  // namespace reversi::server

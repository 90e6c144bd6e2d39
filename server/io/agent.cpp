// Long because every event of a session and every action of the machine passes here, each in a few lines.

#include "server/io/agent.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "common/io/coro.h"
#include "common/io/line_pipe.h"
#include "server/core/agent_session.h"
#include "server/core/event_queue.h"
#include "server/io/agent_mailbox.h"
#include "server/io/claim.h"
#include "server/io/event_log.h"
#include "server/io/host_keys.h"
#include "server/io/node_keys.h"
#include "server/io/port_holder.h"
#include "server/io/prober.h"
#include "server/io/process.h"
#include "server/io/session_progress.h"
#include "server/io/sshd_process.h"

namespace reversi::server {
namespace {

constexpr std::size_t kMaxUnwrittenBytes = 256 * 1024;
constexpr Millis kLastLockLimit{50};  // somebody else will close our record, then
constexpr Millis kLeftOverLimit{500};
constexpr Millis kEndHolderLimit{500};  // the agent serves nobody meanwhile
constexpr std::size_t kSessionIdBytes = 8;
constexpr const char* kNowhere = "/dev/null";  // no file, so nothing can be below it

Moment moment() {
  return {mono_now(), wall_now()};
}

/// asio::detached would let an exception end the process without a word in the files.
template <class Agent>
auto report_to(Agent* agent) {
  return [agent](const std::exception_ptr& failed) {
    if (failed) agent->give_up();
  };
}

class Agent {
 public:
  Agent(const AgentOptions& options, StateDir state, ParentProcess parent, std::string problem)
      : options_(options),
        problem_(std::move(problem)),
        state_(std::move(state)),
        parent_(std::move(parent)),
        log_(state_, options.node),
        connection_(parse_ssh_connection(options.ssh_connection)),
        identity_{.node = options.node.text(),
                  .session = random_hex(kSessionIdBytes),
                  .client_address = connection_ ? connection_->client_address : "",
                  .client_port = connection_ ? connection_->client_port : Port{0},
                  .sshd_pid = parent_.pid,
                  .agent_pid = own_process().pid,
                  .server_version = REVERSI_VERSION},
        session_(identity_, state_.load_policy().policy.hello_limit, moment()),
        pipe_(loop_.get_executor(), UniqueFd(::dup(STDIN_FILENO)), UniqueFd(::dup(STDOUT_FILENO)),
              {kMaxLineBytes, kMaxUnwrittenBytes}),
        timer_(loop_),
        signals_(loop_, SIGUSR1, SIGTERM, SIGINT),
        parent_watch_(loop_),
        prober_(loop_.get_executor(), ::geteuid(),
                {.announce = [this](const ExpectProbe& probe) { perform(Send{probe}); },
                 .slow = [this](const std::string& forward) { feed(ProbeSlow{forward}); },
                 .last_progress = [this] { return session_.last_progress(); },
                 .quiet_limit = [this](Millis limit) { return session_.quiet_limit(limit); }}) {}

  ExitCode run() {
    const auto start = [this](asio::awaitable<void> coroutine) {
      asio::co_spawn(loop_, std::move(coroutine), report_to(this));
    };
    start(read_lines());
    start(keep_time());
    start(take_signals());
    start(watch_parent());
    try {
      loop_.run();
    } catch (...) {
      give_up();
    }
    return ExitCode::done;
  }

  void feed(AgentEvent event) {
    const bool is_done = events_.feed(std::move(event), [this](const AgentEvent& next) {
      for (const AgentAction& action : session_.step(next, moment())) {
        if (options_.before_action) options_.before_action(action);
        std::visit([this](const auto& a) { perform(a); }, action);
      }
    });
    if (is_done) timer_.cancel();  // the next deadline may be another one
  }

  /// Something threw: there was no memory, no randomness. What can still be written is; but an sshd
  /// without its agent would hold the ports with nobody watching.
  void give_up() {
    try {
      feed(InputEnded{"the agent failed inside"});
    } catch (...) {
      parent_.signal(SIGKILL);
    }
    if (!loop_.stopped()) parent_.signal(SIGKILL);
    loop_.stop();
  }

 private:
  // ---- what happens

  asio::awaitable<void> read_lines() {
    while (!session_.is_ended()) {
      const auto line = co_await pipe_.read_line();
      if (!line && line.error().code() == Errc::protocol)
        co_return feed(BadInput{line.error().line()});
      if (!line) co_return feed(InputEnded{"the connection ended"});
      auto message = decode_client_message(*line);
      if (!message) co_return feed(BadInput{message.error().line()});
      feed(Received{*std::move(message)});
      const MonoTime now = mono_now();
      const MonoTime next = session_.next_read(now);
      if (next <= now) continue;
      asio::steady_timer pause(loop_, next - now);
      co_await pause.async_wait(kAsResult);
    }
  }

  asio::awaitable<void> keep_time() {
    for (;;) {
      const MonoTime now = mono_now();
      const MonoTime deadline = session_.next_deadline();
      const bool is_sampling = session_.wants_sample(now);
      const MonoTime next = is_sampling ? std::min(deadline, next_sample_) : deadline;
      if (next > now) {
        timer_.expires_after(next - now);
        co_await timer_.async_wait(kAsResult);
      }
      if (session_.is_ended()) co_return;
      const MonoTime woken = mono_now();
      if (session_.wants_sample(woken) && woken >= next_sample_) {
        next_sample_ = woken + kSampleInterval;
        feed(Sampled{connection_ ? session_progress(*connection_) : std::nullopt});
      }
      if (woken >= next) feed(Tick{});
    }
  }

  asio::awaitable<void> take_signals() {
    for (;;) {
      const auto [ec, number] = co_await signals_.async_wait(kAsResult);
      if (ec) co_return;
      if (number != SIGUSR1) {
        feed(DrainAsked{});
      } else if (auto request = read_request(state_, options_.node, last_request_)) {
        last_request_ = request->id;
        requests_.push_back(*request);
        take_request(*request);
      }
    }
  }

  void take_request(const Request& request) {
    switch (request.kind) {
      case RequestKind::probe:
        return feed(ProbeAsked{request.id});
      case RequestKind::evict:
        return feed(EvictAsked{request.id, read_why(request)});
      case RequestKind::challenge:
        return feed(read_challenge(request));
      case RequestKind::rotate_key:
        return feed(RotateKeyAsked{request.id});
      case RequestKind::disable:
      case RequestKind::reload:
        break;
    }
    const LoadedNode node = load_granted(state_, options_.node, options_.grants);
    const bool is_enabled = node.is_enabled && request.kind != RequestKind::disable;
    feed(ReloadAsked{request.id, is_enabled, node.granted});
  }

  /// A newcomer says why; an administrator does not have to.
  static std::string read_why(const Request& request) {
    std::string why = "by the administrator";
    if (const auto doc = parse_json(request.text)) Fields(*doc).may("why", why, kMaxReasonBytes);
    return printable(why, kMaxReasonBytes);
  }

  static ChallengeAsked read_challenge(const Request& request) {
    ChallengeAsked asked{request.id, {}, {}};
    if (const auto doc = parse_json(request.text)) {
      Fields fields(*doc);
      fields.may("client_address", asked.client_address, kMaxNameBytes)
          .may("machine", asked.machine, kMaxNameBytes);
    }
    return asked;
  }

  /// Our sshd's end is ours: nobody else would tell a process that lost its session.
  asio::awaitable<void> watch_parent() {
    boost::system::error_code failed;
    parent_watch_.assign(::dup(parent_.pidfd.get()), failed);
    if (failed) co_return;  // without a pidfd the end of our input has to say it
    const auto [ec] =
        co_await parent_watch_.async_wait(asio::posix::descriptor_base::wait_read, kAsResult);
    if (!ec) feed(InputEnded{"the sshd process of the session ended"});
  }

  asio::awaitable<void> probe(StartProbe job) {
    const std::string forward = job.forward;
    ProbeReport report = co_await prober_.run(std::move(job));
    feed(ProbeDone{forward, std::move(report)});
  }

  /// A search that finds nobody, because others came and went, is made once more.
  asio::awaitable<void> free_port(FreePort job) {
    const uid_t uid = ::geteuid();
    auto holder = co_await search_port_holder(job.port, uid);
    if (!holder) holder = co_await search_port_holder(job.port, uid);
    if (holder && !session_.is_ended()) {
      const auto ended = end_process(*holder, kEndHolderLimit);
      perform(LogEvent{{.at = wall_now(),
                        .kind = EventKind::evicted,
                        .session = identity_.session,
                        .reason = agentless_text(*holder, job.port, ended),
                        .address = identity_.client_address}});
    }
    feed(PortLookedAt{job.forward, holder.has_value()});
  }

  // ---- what is done

  void perform(const Send& action) {
    if (!pipe_.send(encode(action.message))) feed(OutputStuck{});
  }

  void perform(const StartClaim& action) {
    Newcomer newcomer{options_.node, options_.grants, action.hello, {}, identity_.client_address,
                      problem_};
    record_.session = identity_.session;
    record_.boot_id = own_boot_id();
    // What is no sshd must not be ended for one by the next session. The agent stands for one that
    // /proc hides, too: it holds it, and ends it when it is asked to go.
    record_.sshd = parent_.is_sshd && parent_.id ? *parent_.id : own_process();
    record_.agent = own_process();
    record_.instance = action.hello.instance;
    record_.run = action.hello.run;
    record_.machine = action.hello.machine;
    record_.started_at = wall_now();
    newcomer.record = record_;
    server_json_ = state_.policy_stamp();  // before it is read: a change meanwhile is not missed
    ClaimResult result = claim_node(state_, newcomer, [this] { return parent_.is_there(); });
    is_recorded_ = result.is_recorded;
    is_claimed_ = std::holds_alternative<Claimed>(result.event);
    if (auto* claimed = std::get_if<Claimed>(&result.event)) {
      claimed->host_keys = announced_host_keys(claimed->policy);
    }
    std::visit([this](auto& event) { feed(std::move(event)); }, result.event);
  }

  void perform(const StartProbe& action) { asio::co_spawn(loop_, probe(action), report_to(this)); }

  void perform(const FreePort& action) {
    asio::co_spawn(loop_, free_port(action), report_to(this));
  }

  void perform(const DeliverPath& action) { prober_.path_seen(action.seen); }

  void perform(const LetKeyIn& action) {
    const auto done = let_key_in(state_, options_.node, action.public_key);
    if (done) note_change("a new key may log in");
    feed(KeyLetIn{action.request, done ? "" : done.error().line()});
  }

  void perform(const SettleKey& /*action*/) {
    is_key_unsettled_ = !options_.key.empty();
    settle_own_key();
  }

  void perform(const TouchAlive& /*action*/) {
    settle_own_key();
    look_at_server_json();
    const auto ignored =
        state_.touch_alive(options_.node, {wall_now(), session_.unwritten_since()});
    static_cast<void>(ignored);  // a reader sees an old heartbeat; there is nobody else to tell
    // A directory that was deleted and made anew knows nothing of us until we write again.
    if (is_recorded_ && !state_.load_session(options_.node)) perform(WriteStatus{});
  }

  void perform(const WriteStatus& /*action*/) {
    if (std::exchange(is_write_posted_, true)) return;
    asio::post(loop_, [this] {
      is_write_posted_ = false;
      if (session_.is_ended()) return;
      const bool was_unwritten = session_.unwritten_since().has_value();
      feed(StatusWritten{write_status()});
      if (was_unwritten != session_.unwritten_since().has_value()) perform(TouchAlive{});
    });
  }

  void perform(const LogEvent& action) {
    if (!log_.append(action.event)) feed(StatusWritten{false});
  }

  void perform(const Reply& action) {
    const auto found = std::ranges::find(requests_, action.request, &Request::id);
    if (found == requests_.end()) return;
    Json details = Json::object();
    if (action.is_alive) details["alive"] = *action.is_alive;
    if (action.retry_after) details["retry_after_ms"] = action.retry_after->count();
    if (action.with_forwards) {
      details["forwards"] = status_to_json(session_.status(wall_now())).at("forwards");
    }
    const auto ignored = write_answer(state_, options_.node, *found, action.error, details);
    static_cast<void>(ignored);  // the asker has a limit
    requests_.erase(found);
  }

  void perform(const EndSession& action) {
    // First the ports, then the words: a disk that hangs must not keep a dead session alive.
    if (action.kill_sshd) parent_.signal(SIGKILL);
    if (is_claimed_) {
      static_cast<void>(write_status());
      close_record();
    }
    if (!action.kill_sshd) end_left_over();
    pipe_.close();
    loop_.stop();
  }

  // ---- helpers

  /// With every heartbeat, until it is done.
  void settle_own_key() {
    if (!is_key_unsettled_) return;
    const auto settled = settle_key(state_, options_.node, options_.key);
    is_key_unsettled_ = !settled;
    if (settled && *settled) note_change("logged in with its new key; the old one is removed");
  }

  /// The administrator announces keys and names days before they count, and sessions may be older.
  void look_at_server_json() {
    const auto stamp = state_.policy_stamp();
    if (stamp == server_json_) return;
    server_json_ = stamp;
    const LoadedPolicy loaded = state_.load_policy();
    // A file that is half edited takes nothing back.
    if (loaded.is_broken) return;
    feed(ServerChanged{announced_host_keys(loaded.policy), loaded.policy.servers});
  }

  void note_change(const std::string& what) {
    perform(LogEvent{{.at = wall_now(),
                      .kind = EventKind::changed,
                      .session = identity_.session,
                      .reason = what}});
  }

  /// False: the disk would not take it. Only the session that session.json names may write.
  bool write_status() {
    auto recorded = state_.load_session(options_.node);
    if (!recorded || !is_recorded_) {
      is_recorded_ = false;
      if (!record_again()) return false;
      recorded = record_;
    }
    if (recorded->session != identity_.session) return true;  // somebody else's by now
    return state_.save_status(options_.node, session_.status(wall_now())).has_value();
  }

  /// The disk was full when we claimed the node, or the record is broken or was deleted since.
  /// Whoever claimed the node meanwhile has priority.
  bool record_again() {
    const auto lock = state_.lock_node(options_.node, kLastLockLimit);
    if (!lock) return false;
    const auto recorded = state_.load_session(options_.node);
    if (recorded && recorded->session != identity_.session && is_running(recorded->agent)) {
      return false;
    }
    is_recorded_ = state_.save_session(options_.node, record_).has_value();
    return is_recorded_;
  }

  void close_record() {
    const auto lock = state_.lock_node(options_.node, kLastLockLimit);
    if (!lock) return;
    const auto recorded = state_.load_session(options_.node);
    if (!recorded || recorded->session != identity_.session) return;
    record_.ended_at = wall_now();
    static_cast<void>(state_.save_session(options_.node, record_));
  }

  /// A client that closed our channel and kept its session would hold its ports with nobody
  /// watching.
  void end_left_over() const {
    if (parent_.is_sshd && !parent_.wait_for_end(kLeftOverLimit)) parent_.signal(SIGTERM);
  }

  const AgentOptions& options_;
  std::string problem_;  ///< why there is no state directory, what else is wrong, or empty
  StateDir state_;
  ParentProcess parent_;
  EventLog log_;
  std::optional<SshConnection> connection_;
  AgentIdentity identity_;
  AgentSession session_;
  asio::io_context loop_{1};
  LinePipe pipe_;
  asio::steady_timer timer_;
  asio::signal_set signals_;
  asio::posix::stream_descriptor parent_watch_;
  Prober prober_;

  EventQueue<AgentEvent> events_;
  bool is_write_posted_ = false;
  bool is_claimed_ = false;
  bool is_recorded_ = false;
  bool is_key_unsettled_ = false;
  std::optional<WallTime> server_json_;  // as it was when the node was last told of it
  SessionRecord record_;
  MonoTime next_sample_{};
  std::string last_request_;
  std::vector<Request> requests_;
};

}  // namespace

Result<ExitCode> run_agent(const AgentOptions& options) {
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(0077);
  auto parent = hold_parent();
  if (!parent) return fail(parent.error());
  // A state directory that was deleted, or is somebody else's, must not cost the node its way in.
  const auto made = make_directories(options.state_dir, 0700);
  auto state = made ? StateDir::open_existing(options.state_dir) : fail(made.error());
  if (state) return Agent(options, *std::move(state), *std::move(parent), options.problem).run();
  // Not the path itself: nothing in a directory that is not ours may be read, or cleared away.
  const std::string problem = "no state directory: " + state.error().line();
  ::dprintf(STDERR_FILENO, "reversi-server: %s\n", problem.c_str());  // no event log will say it
  return Agent(options, StateDir::at(kNowhere), *std::move(parent), problem).run();
}

}  // namespace reversi::server

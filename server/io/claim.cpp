#include "server/io/claim.h"

#include <unistd.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "server/core/eviction.h"
#include "server/io/admission.h"
#include "server/io/agent_mailbox.h"
#include "server/io/event_log.h"
#include "server/io/node_lines.h"
#include "server/io/own_file.h"
#include "server/io/port_holder.h"
#include "server/io/process.h"
#include "server/io/sshd_process.h"

namespace reversi::server {
namespace {

constexpr Millis kClaimLockLimit{10'000};
constexpr Millis kPlaceLimit{1'000};
constexpr Millis kEvictionLimit{2'000};
constexpr Millis kFreeLimit{2'000};
constexpr Millis kHoldersLimit{5'000};  // for all ports together: the client waits for its welcome
/// Ports may be held by nobody that we may end; then the forwards will say so.
constexpr Millis kBusyRetry{5'000};
/// One more login is all that is missing.
constexpr Millis kMendedRetry{1'000};
constexpr Millis kAnswerSlack{2'000};
constexpr int kMostRounds = 3;

ClaimResult refused(RefusedReason reason, std::string text, Millis retry_after) {
  return {ClaimRefused{{reason, printable(text, kMaxReasonBytes), retry_after}}, false};
}

std::optional<Recorded> look_up(const StateDir& state, const NodeName& node) {
  auto record = state.load_session(node);
  if (!record) return std::nullopt;  // none, or broken: then it names nobody whom we could end
  Recorded found;
  found.is_this_boot = record->boot_id == own_boot_id();
  found.sshd_lives = is_running(record->sshd);
  found.agent_lives = is_running(record->agent);
  const auto agent = process_info(record->agent.pid);
  found.agent_is_stopped = agent && agent->is_stopped();
  const auto status = state.load_status(node);
  if (status) found.dead_after = status->dead_after;
  if (const auto alive = state.load_alive(node)) found.silence = wall_now() - alive->at;
  found.record = *std::move(record);
  return found;
}

/// What the recorded agent found out about its node.
struct ChallengeAnswer {
  bool is_alive = false;
  bool is_busy = false;
  Millis retry_after{0};
};

ChallengeAnswer challenge(const StateDir& state, const Newcomer& newcomer, const Recorded& recorded,
                          const ServerPolicy& policy) {
  const Millis limit = recorded.agent_is_stopped ? policy.challenge_silence
                                                 : policy.challenge_progress + kAnswerSlack;
  const Json details{{"client_address", newcomer.client_address},
                     {"machine", newcomer.hello.machine}};
  const auto answer = ask_agent(state, newcomer.node, recorded.record.agent, RequestKind::challenge,
                                details, limit);
  ChallengeAnswer result;
  if (!answer) {
    // No answer and no agent are both silence; "not now" is not.
    result.is_busy =
        answer.error().code() != Errc::timeout && answer.error().code() != Errc::not_found;
    return result;
  }
  result.retry_after = policy.duplicate_retry;
  Fields fields(*answer);
  fields.may("alive", result.is_alive)
      .may("retry_after_ms", result.retry_after, Millis{0}, policy.duplicate_retry_longest);
  return result;
}

class Claiming {
 public:
  Claiming(const StateDir& state, const Newcomer& newcomer, const std::function<bool()>& is_wanted)
      : state_(state), newcomer_(newcomer), is_wanted_(is_wanted), log_(state, newcomer.node) {}

  ClaimResult run() {
    LoadedPolicy policy = state_.load_policy();
    LoadedNode node = load_granted(state_, newcomer_.node, newcomer_.grants);
    claimed_.problem = node.problem.empty() ? policy.problem : node.problem;
    if (!newcomer_.problem.empty()) claimed_.problem = newcomer_.problem;
    claimed_.policy = std::move(policy.policy);
    claimed_.granted = std::move(node.granted);
    claimed_.fleet_size = std::max<std::size_t>(1, state_.count_nodes());
    const ServerPolicy& used = claimed_.policy;
    const bool is_mended = node.lines_due && mend();
    if (!node.is_enabled) return refuse_disabled();
    if (is_mended) {
      return refused(RefusedReason::busy, "its rights were changed; the next login has them",
                     kMendedRetry);
    }
    std::string silent_session;  // challenged without an answer
    for (int round = 0; round < kMostRounds; ++round) {
      auto lock = state_.lock_node(newcomer_.node, kClaimLockLimit);
      // Without a directory there is neither a lock nor a record: the node is served all the same.
      if (!lock && lock.error().code() == Errc::timeout) {
        return refused(RefusedReason::busy, lock.error().line(), kBusyRetry);
      }
      // In this order a node takes one place at most, however many connections it opens.
      auto place = enter(state_, used.logins_at_once, kPlaceLimit);
      if (!place) {
        return refused(RefusedReason::busy, place.error().line(),
                       busy_retry(used, claimed_.fleet_size, newcomer_.hello.run));
      }
      const auto recorded = look_up(state_, newcomer_.node);
      if (recorded && recorded->is_this_boot && recorded->sshd_lives && recorded->agent_lives &&
          recorded->record.sshd == newcomer_.record.sshd) {
        return refused(RefusedReason::busy, "this session has an agent already", kBusyRetry);
      }
      const ClaimDecision decision =
          decide_claim(recorded, newcomer_.hello.run, newcomer_.record.sshd);
      if (decision.claim == Claim::stay_away) {
        return refused(RefusedReason::busy, decision.why, kBusyRetry);
      }
      const bool is_settled =
          decision.claim != Claim::challenge || recorded->record.session == silent_session;
      if (is_settled) return take(recorded, decision);
      // Nobody else waits while an agent asks its node.
      if (lock) lock->reset();
      place->reset();
      const ChallengeAnswer answer = challenge(state_, newcomer_, *recorded, used);
      if (answer.is_alive) {
        return refused(RefusedReason::duplicate,
                       "another machine is connected as this node and answers", answer.retry_after);
      }
      if (answer.is_busy) break;
      silent_session = recorded->record.session;
    }
    return refused(RefusedReason::busy, "other sessions of this node come and go", kBusyRetry);
  }

 private:
  /// Under the lock.
  ClaimResult take(const std::optional<Recorded>& recorded, const ClaimDecision& decision) {
    if (!is_wanted_()) return refused(RefusedReason::busy, "the session ended", kBusyRetry);
    if (decision.claim != Claim::free) evict(*recorded, decision.why);
    close_dead_session_locked(state_, newcomer_.node, wall_now());
    free_ports();
    auto status = state_.load_status(newcomer_.node);
    if (status) claimed_.previous = *std::move(status);
    claimed_.last_up_or_down = log_.last_up_or_down();
    sweep_left_over(state_.node_path(newcomer_.node), wall_now());
    const auto saved = state_.save_session(newcomer_.node, newcomer_.record);
    if (!saved && claimed_.problem.empty()) claimed_.problem = saved.error().line();
    // The wait took its time. From here on a change of node.json is told to us, the recorded agent.
    LoadedNode fresh = load_granted(state_, newcomer_.node, newcomer_.grants);
    if (!fresh.is_enabled) {
      SessionRecord closed = newcomer_.record;
      closed.ended_at = wall_now();
      if (saved) static_cast<void>(state_.save_session(newcomer_.node, closed));
      return refuse_disabled();
    }
    claimed_.granted = std::move(fresh.granted);
    return {std::move(claimed_), saved.has_value()};
  }

  /// A verb was killed between node.json and authorized_keys. False: it has to be said.
  bool mend() {
    const auto mended = mend_lines(state_, newcomer_.node);
    if (!mended) {
      claimed_.problem =
          "node.json was changed, but authorized_keys could not be: " + mended.error().line() +
          "; serving the grants of the forced command";
      return false;
    }
    const Event event{.at = wall_now(),
                      .kind = EventKind::changed,
                      .session = newcomer_.record.session,
                      .reason = "its lines in authorized_keys were older than node.json"};
    static_cast<void>(log_.append(event));
    return true;
  }

  [[nodiscard]] ClaimResult refuse_disabled() const {
    const bool was_removed = state_.was_removed(newcomer_.node);
    return refused(
        RefusedReason::disabled,
        "the administrator " + std::string(was_removed ? "removed" : "disabled") + " this node",
        claimed_.policy.refused_retry);
  }

  void evict(const Recorded& recorded, const std::string& why) {
    const SessionRecord& record = recorded.record;
    // Where /proc hides the sshd, the agent stands for it, and it alone can end it.
    if (record.sshd == record.agent && ask_to_go(record, why)) return;
    // A stopped agent survives its sshd, and would write its last words into our session's files.
    if (recorded.sshd_lives) end(record.sshd, "session " + record.session, why);
    static_cast<void>(end_process(record.agent, kEvictionLimit));
  }

  bool ask_to_go(const SessionRecord& record, const std::string& why) {
    const auto answer = ask_agent(state_, newcomer_.node, record.agent, RequestKind::evict,
                                  Json{{"why", why}}, kEvictionLimit);
    if (!answer || !wait_for_end({record.agent, {}}, kEvictionLimit)) return false;
    claimed_.evictions += 1;  // it wrote the event itself
    return true;
  }

  void end(const ProcessId& sshd, const std::string& what, const std::string& why) {
    const auto ended = end_process(sshd, kEvictionLimit);
    std::string reason = what + ", sshd " + std::to_string(sshd.pid) + ": " + why;
    if (!ended) reason += ": " + ended.error().line();
    count_eviction(std::move(reason));
  }

  void count_eviction(std::string reason) {
    Event event;
    event.at = wall_now();
    event.kind = EventKind::evicted;
    event.session = newcomer_.record.session;
    event.address = newcomer_.client_address;
    event.reason = std::move(reason);
    static_cast<void>(log_.append(event));
    claimed_.evictions += 1;
  }

  void free_ports() {
    std::vector<Port> ports;
    for (const NodeForward& forward : claimed_.granted) ports.push_back(forward.port);
    const uid_t uid = ::geteuid();
    const Millis limit = claimed_.evictions > 0 ? kFreeLimit : Millis{0};
    const std::vector<Port> held = wait_until_free(ports, uid, limit);
    const MonoTime deadline = mono_now() + kHoldersLimit;
    for (const Port port : held) {
      if (mono_now() >= deadline) break;
      auto holder = find_port_holder(port, uid);
      if (!holder) holder = find_port_holder(port, uid);  // others came and went meanwhile
      if (!holder) continue;
      count_eviction(agentless_text(*holder, port, end_process(*holder, kEvictionLimit)));
      static_cast<void>(wait_until_free({port}, uid, kFreeLimit));
    }
  }

  const StateDir& state_;
  const Newcomer& newcomer_;
  const std::function<bool()>& is_wanted_;
  EventLog log_;
  Claimed claimed_;
};

}  // namespace

ClaimResult claim_node(const StateDir& state, const Newcomer& newcomer,
                       const std::function<bool()>& is_wanted) {
  return Claiming(state, newcomer, is_wanted).run();
}

LoadedNode load_granted(const StateDir& state, const NodeName& node,
                        const std::vector<NodeForward>& command_line) {
  const auto record = state.load_node(node);
  if (record) {
    return {record->lines_due ? command_line : record->forwards,
            record->enabled,
            {},
            record->lines_due};
  }
  // A login that was under way when the node was removed; its ports are the next node's.
  if (state.was_removed(node)) return {{}, false, {}};
  return {command_line, true, record.error().line() + "; serving the grants of the forced command"};
}

}  // namespace reversi::server

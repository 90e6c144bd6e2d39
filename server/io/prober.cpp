#include "server/io/prober.h"

#include <algorithm>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/address.hpp>

#include "common/io/clock.h"
#include "common/io/coro.h"
#include "common/io/service_probe.h"

namespace reversi::server {
namespace {

using asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;

asio::ip::address localhost(Family family) {
  if (family == Family::v4) return asio::ip::address_v4::loopback();
  return asio::ip::address_v6::loopback();
}

std::string where(Family family, Port port) {
  return (family == Family::v4 ? "127.0.0.1:" : "[::1]:") + std::to_string(port);
}

std::string in_millis(Millis time) {
  return std::to_string(time.count()) + " ms";
}

ProbeReport no_probe(const std::string& address, const boost::system::error_code& why) {
  return {Sight::not_probed, "no probe of " + address + ": " + why.message(), {}};
}

/// Takes the reference of a waiting probe out of the map, however the probe ends.
struct Forget {
  std::function<void()> forget;
  ~Forget() { forget(); }
};

}  // namespace

asio::awaitable<ProbeReport> Prober::run(StartProbe job) {
  const auto listeners = listeners_on({job.port});
  bool takes_v4 = true;
  bool takes_v6 = true;
  if (listeners) {
    const auto report = judge_listeners(job, *listeners);
    if (report) co_return *report;
    const auto has = [&](Family family) {
      return std::ranges::any_of(*listeners, [&](const Listener& listener) {
        return listener.family == family && listener.takes_localhost;
      });
    };
    takes_v4 = has(Family::v4);
    takes_v6 = has(Family::v6);
  }
  // The very sockets that led to the node lead nowhere else: then one family says whether they still
  // work, which halves what a check costs the node.
  const bool is_proven = listeners && proven_[job.port] == *listeners;
  if (!takes_v4 || !takes_v6 || is_proven) {
    co_return co_await probe_family(std::move(job), takes_v4 ? Family::v4 : Family::v6);
  }
  // The service is asked once; of the other family it is enough to know that it leads here.
  StartProbe path_only = job;
  path_only.expect = Expect{};
  const auto [v4, v6] =
      co_await (probe_family(job, Family::v4) && probe_family(path_only, Family::v6));
  const bool lead_here = proves_path(v4.sight) && proves_path(v6.sight);
  if (listeners && lead_here) proven_[job.port] = *listeners;
  std::vector<ProbeReport> families;
  families.push_back(v4);
  families.push_back(v6);
  co_return combine(families);
}

std::optional<ProbeReport> Prober::judge_listeners(const StartProbe& job,
                                                   const std::vector<Listener>& found) const {
  bool is_held = false;
  for (const Listener& listener : found) {
    if (!listener.takes_localhost) continue;
    is_held = true;
    if (listener.uid == own_uid_) continue;
    return ProbeReport{Sight::foreign_listener,
                       where(listener.family, job.port) + " is held by a process of uid " +
                           std::to_string(listener.uid),
                       {}};
  }
  const std::string port = "port " + std::to_string(job.port);
  if (is_held && job.is_refused) {
    return ProbeReport{Sight::unknown_holder, port + " is held by another session or process", {}};
  }
  if (job.is_refused) {
    return ProbeReport{Sight::refused,
                       "sshd refused the forward: " + printable(job.refusal, kMaxReasonBytes / 2),
                       {}};
  }
  if (!is_held) return ProbeReport{Sight::refused, "nobody listens on " + port, {}};
  return std::nullopt;
}

boost::system::error_code Prober::bind_source(tcp::socket& socket, Family family) const {
  constexpr int kMostBinds = 8;
  boost::system::error_code failed;
  for (int i = 0; i < kMostBinds; ++i) {
    socket = tcp::socket(executor_);  // a bound one cannot be bound again
    socket.open(family == Family::v4 ? tcp::v4() : tcp::v6(), failed);
    if (!failed) socket.bind({localhost(family), 0}, failed);
    const Port port = failed ? Port{0} : socket.local_endpoint(failed).port();
    const auto has_it = [&](const auto& probe) { return probe.second->source == port; };
    if (failed || std::ranges::none_of(*waiting_, has_it)) break;
  }
  return failed;
}

asio::awaitable<ProbeReport> Prober::probe_family(StartProbe job, Family family) {
  const std::string address = where(family, job.port);
  tcp::socket socket(executor_);
  boost::system::error_code failed = bind_source(socket, family);
  const auto source = failed ? tcp::endpoint{} : socket.local_endpoint(failed);
  if (failed) co_return no_probe(address, failed);
  const std::int64_t number = next_probe_++;
  Waiting waiting{asio::steady_timer(executor_), {}, source.port(), {}};
  (*waiting_)[number] = &waiting;
  const Forget forget{[probes = waiting_, number] { probes->erase(number); }};
  hooks_.announce({number, job.forward, source.port()});

  const MonoTime begin = mono_now();
  failed = co_await connect(socket, {localhost(family), job.port}, job, waiting);
  if (failed == asio::error::timed_out) {
    co_return ProbeReport{
        Sight::no_path, address + " does not accept within " + in_millis(mono_now() - begin), {}};
  }
  if (failed == asio::error::connection_refused) {
    co_return ProbeReport{Sight::refused, address + ": " + failed.message(), {}};
  }
  // Our own lack of something (ports, memory) says nothing about the forward.
  if (failed) co_return no_probe(address, failed);

  const auto outcome = co_await wait_for_path(job, waiting);
  const Millis path_latency = mono_now() - begin;
  if (!outcome) {
    co_return ProbeReport{Sight::no_path,
                          "a connection to " + address + " did not arrive at the node within " +
                              in_millis(path_latency),
                          {}};
  }
  const auto on_target = judge_target(*outcome);
  if (on_target) co_return *on_target;
  const ProbeAnswer answer =
      co_await exchange(socket, job.expect, answer_limit(job.limit, path_latency));
  const Millis latency = mono_now() - begin;
  switch (answer.outcome) {
    case ProbeAnswer::Outcome::match:
      co_return ProbeReport{Sight::expected_answer, {}, latency};
    case ProbeAnswer::Outcome::silence:
      co_return ProbeReport{judge_silence(job.limit, path_latency), answer.reason, {}};
    case ProbeAnswer::Outcome::mismatch:
    case ProbeAnswer::Outcome::broken:
      break;
  }
  co_return ProbeReport{Sight::other_answer, answer.reason, latency};
}

asio::awaitable<boost::system::error_code> Prober::connect(tcp::socket& socket, tcp::endpoint to,
                                                           const StartProbe& job,
                                                           Waiting& waiting) {
  waiting.clock.start(mono_now());
  auto done = co_await (socket.async_connect(to, kAsResult) || run_out(job, waiting));
  if (done.index() == 1) co_return asio::error::timed_out;
  co_return std::get<0>(std::get<0>(done));
}

asio::awaitable<std::optional<TargetOutcome>> Prober::wait_for_path(const StartProbe& job,
                                                                    Waiting& waiting) {
  waiting.clock.start(mono_now());
  while (!waiting.outcome) {
    const bool goes_on = co_await wait_on(job, waiting);
    if (!goes_on) co_return std::nullopt;
  }
  co_return waiting.outcome;
}

asio::awaitable<void> Prober::run_out(const StartProbe& job, Waiting& waiting) {
  bool is_over = false;  // g++ 12 makes a trap of a loop whose condition awaits
  while (!is_over) {
    const bool goes_on = co_await wait_on(job, waiting);
    is_over = !goes_on;
  }
}

asio::awaitable<bool> Prober::wait_on(const StartProbe& job, Waiting& waiting) {
  ReplyClock& clock = waiting.clock;
  clock.progressed(hooks_.last_progress());
  const MonoTime now = mono_now();
  const MonoTime deadline =
      clock.deadline(hooks_.quiet_limit(job.limit), LivenessPolicy{}.progress_limit);
  if (now >= deadline) co_return false;
  if (!waiting.is_slow && now >= clock.asked() + job.limit) {
    waiting.is_slow = true;
    hooks_.slow(job.forward);
  }
  const MonoTime next = waiting.is_slow ? deadline : std::min(deadline, clock.asked() + job.limit);
  waiting.timer.expires_after(next - now);
  co_await waiting.timer.async_wait(kAsResult);
  co_return true;
}

void Prober::path_seen(const PathSeen& seen) {
  const auto found = waiting_->find(seen.probe);
  if (found == waiting_->end()) return;
  found->second->outcome = seen.target;
  found->second->timer.cancel();
}

}  // namespace reversi::server

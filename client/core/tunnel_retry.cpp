#include "client/core/tunnel_retry.h"

#include <algorithm>
#include <array>

#include "common/core/backoff.h"

namespace reversi::client {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<Millis, 4> kKeyRefusedDelays{seconds{5}, seconds{10}, seconds{20},
                                                  seconds{30}};
constexpr Millis kKeyMayBeApprovedFor{minutes{30}};
constexpr Millis kKeyRefusedForLong{minutes{2}};
constexpr Millis kHostKeyDelay{minutes{10}};
constexpr Millis kShortestRefusal{1000};  // a refusal that says 0 must not make a busy loop

Millis key_refused_delay(const ServerTries& tries, MonoTime began, MonoTime now) {
  if (now - tries.last_login.value_or(began) >= kKeyMayBeApprovedFor) return kKeyRefusedForLong;
  const auto index = static_cast<std::size_t>(std::max(tries.key_refusals, 1)) - 1;
  return kKeyRefusedDelays[std::min(index, kKeyRefusedDelays.size() - 1)];
}

}  // namespace

ServerTries after_loss(ServerTries tries, const Loss& loss, const Reached& reached,
                       const RetryContext& context, MonoTime now) {
  const BackoffPolicy pace{context.policy.retry_first, context.policy.retry_longest,
                           context.policy.spread};
  const auto grown = [&](Millis first_after_ready) {
    ++tries.failures;
    if (!reached.ready) return backoff_delay(pace, context.node, tries.failures);
    if (tries.failures == 1) return first_after_ready;
    return backoff_delay(pace, context.node, tries.failures - 1);
  };
  const Millis after_close = delay_after_server_close(pace, context.node, context.starts);

  if (reached.stable) tries.failures = 0;
  tries.no_answers = loss.kind == LossKind::no_answer ? tries.no_answers + 1 : 0;
  if (loss.kind == LossKind::key_refused) ++tries.key_refusals;

  Millis delay{0};
  switch (loss.kind) {
    case LossKind::no_answer:
      delay = delay_without_answer(tries.no_answers);
      break;
    case LossKind::lost:
      delay = grown(delay_after_own_loss(pace, context.node, context.starts));
      break;
    case LossKind::closed:
      delay = grown(after_close);
      break;
    case LossKind::host_key:
      delay = kHostKeyDelay;
      break;
    case LossKind::key_refused:
      delay = key_refused_delay(tries, context.began, now);
      break;
    case LossKind::refused:
      delay = std::max(loss.retry_after, kShortestRefusal);
      break;
    case LossKind::restart:
      delay = std::max(loss.retry_after, grown(Millis{0}));
      break;
    case LossKind::wanted:
      break;
  }
  const bool server_went = loss.kind == LossKind::closed || loss.kind == LossKind::lost;
  if (reached.draining && server_went) delay = *reached.draining + after_close;
  tries.retry_at = now + delay;
  return tries;
}

NextTry choose_server(const std::vector<ServerTries>& tries, std::size_t first, MonoTime now) {
  for (std::size_t i = 0; i < tries.size(); ++i) {
    const std::size_t server = (first + i) % tries.size();
    if (tries[server].retry_at <= now) return {server, now};
  }
  const auto soonest = std::ranges::min_element(tries, {}, &ServerTries::retry_at);
  return {static_cast<std::size_t>(soonest - tries.begin()), soonest->retry_at};
}

}  // namespace reversi::client

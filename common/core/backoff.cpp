#include "common/core/backoff.h"

#include <algorithm>

namespace reversi {
namespace {

constexpr Millis kOwnLossAtMost{2000};
constexpr Millis kWithoutAnswerAtMost{8000};
constexpr double kJitter = 0.2;

/// first, 2 × first, 4 × first … up to `longest`. `count` from 1.
Millis doubled(Millis first, Millis longest, int count) {
  Millis delay = std::min(first, longest);
  for (int i = 1; i < count && delay < longest; ++i) delay = std::min(delay * 2, longest);
  return delay;
}

Millis part_of(Millis whole, std::string_view node, std::uint64_t count) {
  return Millis{
      static_cast<Millis::rep>(static_cast<double>(whole.count()) * unit_hash(node, count))};
}

}  // namespace

double unit_hash(std::string_view seed, std::uint64_t count) {
  // FNV-1a over the seed and the count, then the finisher of SplitMix64 so that neighbours differ.
  std::uint64_t hash = 0xcbf29ce484222325U;
  const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3U; };
  for (const char c : seed) mix(static_cast<unsigned char>(c));
  for (int shift = 0; shift < 64; shift += 8) mix(static_cast<unsigned char>(count >> shift));
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9U;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebU;
  hash ^= hash >> 31;
  return static_cast<double>(hash >> 11) * 0x1.0p-53;
}

Millis backoff_delay(const BackoffPolicy& policy, std::string_view node, int failures) {
  const Millis base = doubled(policy.first, policy.longest, std::max(failures, 1));
  const double factor =
      1 + kJitter * (2 * unit_hash(node, static_cast<std::uint64_t>(std::max(failures, 1))) - 1);
  return Millis{static_cast<Millis::rep>(static_cast<double>(base.count()) * factor)};
}

Millis delay_after_own_loss(const BackoffPolicy& policy, std::string_view node,
                            std::uint64_t count) {
  return part_of(std::min(policy.spread, kOwnLossAtMost), node, count);
}

Millis delay_after_server_close(const BackoffPolicy& policy, std::string_view node,
                                std::uint64_t count) {
  return part_of(policy.spread, node, count);
}

Millis delay_without_answer(int attempts) {
  return doubled(Millis{1000}, kWithoutAnswerAtMost, std::max(attempts, 1));
}

}  // namespace reversi

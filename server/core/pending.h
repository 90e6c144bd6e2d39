#pragma once
// A key that knocked: offered to sshd, known to no node. sshd asks before the client has proven that
// it holds the private half, so an entry proves nothing but that somebody knows the public one.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/core/time.h"
#include "server/core/policy.h"
#include "server/core/public_key.h"

namespace reversi::server {

/// pending/HEX-SHA256.json
struct PendingKey {
  PublicKey key;                       ///< without comment
  std::optional<std::string> address;  ///< of the last knock, where sshd tells it
  WallTime first{};
  WallTime last{};
  std::int64_t count = 1;  ///< knocks that were noted; at most one a minute is

  friend bool operator==(const PendingKey&, const PendingKey&) = default;
};
/// {"type": …, "key": …, "address": …, "first": …, "last": …, "count": …, "proved": false}
[[nodiscard]] nlohmann::json pending_to_json(const PendingKey& entry);
[[nodiscard]] Result<PendingKey> pending_from_json(const nlohmann::json& doc);

inline constexpr std::size_t kMaxPendingBytes = 4096;
inline constexpr Millis kKnockNotedEvery{60'000};

/// What becomes of an entry whose key knocks again; nothing while the last note is young. A last
/// note in the future, left by a clock that was wrong, does not count.
[[nodiscard]] std::optional<PendingKey> note_again(PendingKey entry,
                                                   const std::optional<std::string>& address,
                                                   WallTime now);
[[nodiscard]] bool is_forgotten(WallTime last, const ServerPolicy& policy, WallTime now);

/// The one entry whose fingerprint begins with what was typed, with or without "SHA256:".
/// @errors  not_found  none;  usage  several, or no fingerprint at all
[[nodiscard]] Result<PendingKey> find_pending(const std::vector<PendingKey>& entries,
                                              std::string_view typed);

/// A table for people, and below it what a full list means.
[[nodiscard]] std::string pending_text(const std::vector<PendingKey>& entries,
                                       const ServerPolicy& policy, WallTime now);

}  // namespace reversi::server

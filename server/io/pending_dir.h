#pragma once
// pending/: the keys that knocked. Bounded whatever knocks: so many files, each small, each written at
// most once a minute; a full list refuses newcomers and pushes nobody out.

#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/time.h"
#include "server/core/pending.h"
#include "server/core/policy.h"
#include "server/io/state_dir.h"

namespace reversi::server {

/// Oldest first; what is no entry is skipped.
[[nodiscard]] std::vector<PendingKey> list_pending(const StateDir& state);

enum class Noted {
  written,
  already,  ///< noted within the last minute
  full,
  too_large,
};
/// Notes a knock. Entries that have been silent for `pending_days` make room for a newcomer.
/// @errors  timeout  others are at it;  io  a full disk. Neither concerns whoever logs in.
[[nodiscard]] Result<Noted> note_knock(const StateDir& state, const PublicKey& key,
                                       const std::optional<std::string>& address,
                                       const ServerPolicy& policy, WallTime now);

/// Forgets the key; one that is not there is success.
[[nodiscard]] Result<void> remove_pending(const StateDir& state, const PublicKey& key);

}  // namespace reversi::server

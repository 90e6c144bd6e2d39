#pragma once
// How many agents may do the expensive part of a login at once. A fleet that lost its server comes back together; who
// finds no place is told to come again, before it costs anything.

#include <cstdint>

#include "common/core/error.h"
#include "common/core/time.h"
#include "common/io/unique_fd.h"
#include "server/io/state_dir.h"

namespace reversi::server {

/// One of `places`, held until the descriptor is closed, by whatever end of this process. Nobody is turned away for want
/// of a file: where the state directory cannot be used, the descriptor is empty.
/// @errors  timeout  all were taken for `limit`
[[nodiscard]] Result<UniqueFd> enter(const StateDir& state, std::int64_t places, Millis limit);

}  // namespace reversi::server

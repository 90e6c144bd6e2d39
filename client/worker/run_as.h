#pragma once

#include <string>

#include "common/core/error.h"

namespace reversi::worker {

/// Becomes `user` for good: supplementary groups, group, user. What ties us to our parent stays (parent_ties.h).
/// Nothing to do if we are that user.
/// @errors  not_found   no such user
///          permission  we are neither root nor that user
[[nodiscard]] Result<void> run_as(const std::string& user);

}  // namespace reversi::worker

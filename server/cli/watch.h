#pragma once
// A text shown again and again. On a terminal it takes another screen and gives it back; into a
// pipe it is printed one time after the other.

#include <functional>
#include <string>

#include "common/core/error.h"

namespace reversi::server {

/// Draws every two seconds, and at once when the terminal's size changes, until SIGINT, SIGTERM or
/// SIGHUP, or until nobody reads any more. On a terminal what does not fit its height is left out
/// and said so.
/// @param is_for_people  Otherwise it is printed as into a pipe, whole, on a terminal too.
[[nodiscard]] Result<void> watch(const std::function<Result<std::string>()>& draw,
                                 bool is_for_people);

}  // namespace reversi::server

#pragma once
// Files of the state directory are ours or they do not count: one account serves all nodes, so
// whatever else can write there (a key that creates sockets, a careless hand) must not lend us a
// file.

#include <string>

#include "common/core/error.h"

namespace reversi::server {

/// A regular file of our uid, at most 1 MiB.
[[nodiscard]] Result<std::string> read_own_file(const std::string& path);
/// Removes what stands at `path` unless it is a regular file of our uid: a link, a fifo, a
/// directory.
void clear_the_way(const std::string& path);

}  // namespace reversi::server

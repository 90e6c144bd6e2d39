#pragma once
// Files of the state directory are ours or they do not count: one account serves all nodes, so
// whatever else can write there (a key that creates sockets, a careless hand) must not lend us a
// file.

#include <sys/stat.h>

#include <string>

#include "common/core/error.h"

namespace reversi::server {

/// A regular file of our uid, at most 1 MiB.
[[nodiscard]] Result<std::string> read_own_file(const std::string& path);
/// The same below an open directory; errors name the file as `name`.
/// @param info  What fstat() says of it; may be null.
[[nodiscard]] Result<std::string> read_own_file_at(int directory, const std::string& name,
                                                   struct stat* info);
/// Removes what stands at `path` unless it is a regular file of our uid: a link, a fifo, a
/// directory.
void clear_the_way(const std::string& path);

}  // namespace reversi::server

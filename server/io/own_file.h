#pragma once
// Files of the state directory are ours or they do not count: one account serves all nodes, so
// whatever else can write there (a key that creates sockets, a careless hand) must not lend us a
// file.

#include <sys/stat.h>

#include <cstddef>
#include <string>

#include "common/core/error.h"
#include "common/core/time.h"

namespace reversi::server {

inline constexpr mode_t kOwnFileMode = 0600;
inline constexpr mode_t kOwnDirMode = 0700;
inline constexpr std::size_t kMostOwnBytes = 1024 * 1024;

/// A regular file of our uid.
[[nodiscard]] Result<std::string> read_own_file(const std::string& path,
                                                std::size_t most_bytes = kMostOwnBytes);
/// The same below an open directory; errors name the file as `name`.
/// @param info  What fstat() says of it; may be null.
[[nodiscard]] Result<std::string> read_own_file_at(int directory, const std::string& name,
                                                   struct stat* info,
                                                   std::size_t most_bytes = kMostOwnBytes);
/// Removes what stands at `path` unless it is a regular file of our uid: a link, a fifo, a
/// directory.
void clear_the_way(const std::string& path);
/// Removes the temporary files of write_file() that a kill or a power cut left in this directory:
/// those older than kLeftOverAge, since somebody may be writing right now.
void sweep_left_over(const std::string& directory, WallTime now);
inline constexpr Millis kLeftOverAge{600'000};

}  // namespace reversi::server

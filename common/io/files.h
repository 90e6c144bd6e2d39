#pragma once
// Files: read with a bound, written atomically, locked with a limit. Nothing here follows a
// symbolic link in the last component.

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "common/core/error.h"
#include "common/core/time.h"
#include "common/io/unique_fd.h"

namespace reversi {

/// Reads a regular file of at most `most_bytes`.
/// @errors  not_found, permission, io (also: not a regular file, larger than the bound)
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t most_bytes);

enum class Sync {
  disk,  ///< fsync file and directory: survives a power cut
  none,  ///< rename only: survives our death, not the machine's; spares flash
};

/// Writes a temporary file in the same directory and renames it over `path`, so that a reader sees
/// the old or the new text and never half of either. Whatever was at `path` (a link, a socket) is
/// replaced. The temporary file is gone after a failure.
[[nodiscard]] Result<void> write_file(const std::string& path, std::string_view text, mode_t mode,
                                      Sync sync);

/// write_file(), but only if the present text differs: flash wears out. False = nothing was
/// written.
[[nodiscard]] Result<bool> write_file_if_changed(const std::string& path, std::string_view text,
                                                 mode_t mode, Sync sync);

/// The directory that it is in, as it is written; empty for a bare name.
[[nodiscard]] std::string parent_directory(const std::string& path);

/// Creates the directory and its missing parents with this mode; an existing one is left as it is.
[[nodiscard]] Result<void> make_directories(const std::string& path, mode_t mode);

/// An exclusive flock on `path`, which is created with mode 0600 and never removed. Released when
/// the descriptor is closed.
/// @errors  timeout  still held by another after `limit`
[[nodiscard]] Result<UniqueFd> lock_file(const std::string& path, Millis limit);

/// The same lock on a directory that exists; nothing is created in it.
[[nodiscard]] Result<UniqueFd> lock_directory(const std::string& path, Millis limit);

/// `bytes` random bytes from the kernel, in lower-case hex.
[[nodiscard]] std::string random_hex(std::size_t bytes);

}  // namespace reversi

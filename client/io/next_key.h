#pragma once
// The node's key in rotation, on disk; see client/core/identity_files.h.

#include <string>

#include "client/io/worker_program.h"
#include "common/core/error.h"

namespace reversi::client {

/// Makes the next key with the worker's program, which knows libssh, or takes the one that is
/// there. Returns its public line. `spares_old`: not if adopting it would drop an old key. Blocks for the time of a key and an fsync.
/// @errors  permission, io  the directory cannot be written;  config  what is there is no key;  timeout
[[nodiscard]] Result<std::string> make_next_key(const WorkerProgram& worker,
                                                const std::string& identity_file, bool spares_old = false);

/// Puts the next key in the place of the configured one, which is kept as the old one. At each
/// instant the files hold the next key, under one name or the other.
[[nodiscard]] Result<void> adopt_next_key(const std::string& identity_file);

}  // namespace reversi::client

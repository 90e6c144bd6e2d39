#pragma once
// The authorized_keys file on disk: changed under a lock with a limit, by temporary file, fsync and
// rename; owner, mode and symbolic link kept.

#include <functional>
#include <string>
#include <string_view>

#include "common/core/error.h"
#include "common/core/time.h"
#include "server/io/state_dir.h"

namespace reversi::server {

/// Of the account that we run as: $HOME where that is the caller's own. Empty if there is none.
[[nodiscard]] std::string home_directory();

/// The policy's path, else `~/.ssh/authorized_keys` of the account that we run as ($HOME where that
/// is the caller's own).
/// @errors  config  no home; or server.json is broken, so that its path is not known: the defaults that
///          serve meanwhile would name a file that sshd may never read
[[nodiscard]] Result<std::string> authorized_keys_path(const LoadedPolicy& loaded);

using TextChange = std::function<Result<std::string>(std::string_view)>;
/// Reads the file (empty if missing), lets `change` make the new text and writes it if it differs.
/// The lock is on the directory, so that two state directories can share one file.
/// Creates ~/.ssh (0700) and the file (0600).
[[nodiscard]] Result<void> change_authorized_keys(const std::string& path, Millis lock_limit,
                                                  const TextChange& change);

}  // namespace reversi::server

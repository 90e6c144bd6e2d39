#pragma once
// The node's keys as they are offered: while one is in rotation there are several.

#include <string>
#include <vector>

#include "client/ssh/handles.h"
#include "common/core/error.h"

namespace reversi {

struct Identity {
  std::string file;
  SshKey key;
};

/// The keys of client/core/identity_files.h that can be used, in the order in which they are offered;
/// at least one.
/// `leaves_out_next`: but not the next one, unless there is no other.
/// @errors  those of the configured one, if there is no other
[[nodiscard]] Result<std::vector<Identity>> load_identities(const std::string& configured,
                                                            bool leaves_out_next = false);

}  // namespace reversi

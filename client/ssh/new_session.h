#pragma once

#include <string>

#include "client/ssh/handles.h"
#include "common/core/names.h"

namespace reversi {

/// A session that is not connected and looks at no file of ssh: no configuration, no known_hosts of
/// libssh's choice. Nothing if libssh does not take the options.
/// @param algorithms  of host keys, the preferred ones first: PinnedKeys::algorithms()
[[nodiscard]] SshSession new_session(const Endpoint& server, const std::string& user,
                                     const std::string& algorithms);

}  // namespace reversi

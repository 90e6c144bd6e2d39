#pragma once

#include <string>
#include <string_view>

#include "client/ssh/handles.h"
#include "common/core/error.h"

namespace reversi {

/// Makes a new ed25519 key, writes it in OpenSSH's format without a passphrase to `path` (mode 0600,
/// atomically, on disk; its directory is made if missing) and returns the public line "ssh-ed25519 AAAA… COMMENT".
/// An existing file is never replaced: it may be the only key that opens a far machine.
/// @errors  exists, permission, not_found, io
[[nodiscard]] Result<std::string> generate_ed25519(const std::string& path,
                                                   std::string_view comment = "reversi");

/// "ssh-ed25519 AAAA… COMMENT" of a private key.
[[nodiscard]] Result<std::string> public_line(ssh_key key, std::string_view comment = "reversi");

}  // namespace reversi

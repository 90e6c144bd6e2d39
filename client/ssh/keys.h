#pragma once
// The node's one private key: read from its file, never from an agent, never with a passphrase.

#include <cstddef>
#include <string>

#include "client/ssh/handles.h"
#include "common/core/error.h"

namespace reversi {

/// Reads an unencrypted private key (OpenSSH or PEM). A symbolic link is followed.
///
/// @errors  not_found, permission  the file cannot be read
///          permission             somebody besides the owner and the group could read or change it
///          config                 encrypted, or not a private key
[[nodiscard]] Result<SshKey> load_private_key(const std::string& path);

/// Overwrites a secret; the compiler may not leave it out.
void wipe(char* text, std::size_t size);

/// "ssh-ed25519 AAAA…" of a public or private key; empty if libssh cannot say.
[[nodiscard]] std::string key_line(ssh_key key);

/// "SHA256:…" of a public or private key, as ssh-keygen -l prints it.
[[nodiscard]] std::string fingerprint(ssh_key key);

}  // namespace reversi

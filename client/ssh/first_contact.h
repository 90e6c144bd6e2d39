#pragma once
// What a machine does once, before it is a node: see which key the server shows, and knock with its
// own. In a process of its own that ends afterwards, so libssh may block here, with limits.

#include <string>

#include "client/ssh/handles.h"
#include "client/ssh/host_key.h"
#include "common/core/error.h"
#include "common/core/names.h"

namespace reversi {

struct ShownKey {
  std::string type;         ///< "ssh-ed25519"
  std::string blob;         ///< base64
  std::string fingerprint;  ///< "SHA256:…"
  bool is_pinned = false;   ///< known_hosts has it
};

/// Connects and looks at the server's host key: one that is pinned if there is any, else ed25519
/// before ecdsa before rsa.
/// @param wanted  A fingerprint: every kind of key is asked for until one has it. May be empty.
/// @errors  refused  another key is pinned, or none of the server's has the wanted fingerprint
///          not_found, timeout, io  no server
[[nodiscard]] Result<ShownKey> look_at_host_key(const Endpoint& server, const PinnedKeys& pinned,
                                                const std::string& wanted);

enum class Knock { accepted, refused };
/// One login with this key, over before anything is asked for.
/// @errors  as above
[[nodiscard]] Result<Knock> knock(const Endpoint& server, const std::string& user,
                                  const PinnedKeys& pinned, ssh_key key);

/// "TYPE BLOB" and the fingerprint of a private key.
[[nodiscard]] Result<ShownKey> public_half(ssh_key key);

}  // namespace reversi

#pragma once
// Which server we talk to. Only the pinned known_hosts files count: they are read here, as text, so
// that libssh never looks at a file of its own choice (by default it believes the global one too).

#include <string>
#include <string_view>
#include <vector>

#include "client/ssh/handles.h"
#include "common/core/error.h"
#include "common/core/names.h"

namespace reversi {

/// How known_hosts spells a server: lower case, "[host]:port" unless the port is 22.
[[nodiscard]] std::string known_hosts_name(const Endpoint& server);

/// The keys that known_hosts files name for one server: plain, hashed and [host]:port entries,
/// patterns, @revoked. Certificate authorities are not supported and skipped.
class PinnedKeys {
 public:
  /// The first file must be readable; the others count if they are. Symbolic links are followed.
  /// @errors  not_found, permission, io  a file cannot be read
  [[nodiscard]] static Result<PinnedKeys> load(const std::vector<std::string>& files,
                                               const Endpoint& server);

  /// The host key algorithms for SSH_OPTIONS_HOSTKEYS: those of which a key is pinned first, so that
  /// a server with several keys shows the one we know; then the others, so that a changed key can be
  /// told from an unknown server.
  [[nodiscard]] std::string algorithms() const;

  /// Whether no file has a line for the server.
  [[nodiscard]] bool is_empty() const { return pins_.empty(); }
  /// Whether any key is pinned for it that is not revoked.
  [[nodiscard]] bool knows_server() const;

  /// Judges the key that the server showed. Returns its fingerprint "SHA256:…".
  /// @errors  refused  unknown, changed or revoked: one line with file and fingerprint
  [[nodiscard]] Result<std::string> check(ssh_key shown) const;

 private:
  struct Pin {
    SshKey key;
    std::string file;
    int line = 0;
    bool is_revoked = false;
  };

  void read_lines(std::string_view text, const std::string& file);

  std::string host_port_;  // as known_hosts spells it: "host" or "[host]:port"
  std::string files_;      // for messages
  std::vector<Pin> pins_;
};

}  // namespace reversi

#pragma once
// The proof that an sshd with a drop-in lets nodes in and nobody else: tried on a throw-away sshd with
// a copy of the effective configuration, a state directory of its own, and two keys. `sshd -t` alone
// proves little: it accepts what ends every login.

#include <string>

#include "common/core/error.h"
#include "server/core/sshd_dropin.h"
#include "server/io/system_account.h"

namespace reversi::server {

/// Where sshd's configuration is. Fixed but for tests of the parts.
struct SshdFiles {
  std::string sshd;  ///< executable
  std::string config = "/etc/ssh/sshd_config";
  std::string directory = "/etc/ssh/sshd_config.d";  ///< what config includes
  std::string dropin = "50-reversi.conf";            ///< our file in it

  [[nodiscard]] std::string dropin_path() const { return directory + '/' + dropin; }
};

/// A node with a known key reaches its agent, one with another key is refused. Nothing outside of a
/// temporary directory is written.
/// @errors  refused  which of the two failed, with ssh's and sshd's words
[[nodiscard]] Result<void> prove_dropin(const SshdFiles& files, const DropIn& dropin,
                                        const SystemAccount& account);

}  // namespace reversi::server

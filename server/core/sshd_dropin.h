#pragma once
// What `setup --system` adds to sshd's configuration, and how that configuration is copied to try it
// out. Text in, text out.

#include <string>
#include <string_view>

#include "common/core/error.h"

namespace reversi::server {

struct DropIn {
  std::string account;
  std::string executable;         ///< absolute path of reversi-server
  std::string state_dir;          ///< absolute path
  bool has_connection = true;     ///< %C: newer OpenSSH; one that does not know it ends every login
  std::string max_startups = {};  ///< "200:30:400"; empty: sshd's own is left as it is
};
/// @errors  config  a path that sshd_config cannot name without quoting
[[nodiscard]] Result<std::string> dropin_text(const DropIn& dropin);

/// sshd -T's maxstartups ("10:30:100"), start and full raised to what a fleet that comes back at once
/// needs. Never lowered: the same text if it is enough. Empty if it cannot be read.
[[nodiscard]] std::string raised_max_startups(std::string_view effective);
/// The value of one keyword of `sshd -T`; empty if it is not there.
[[nodiscard]] std::string effective_value(std::string_view settings, std::string_view keyword);

/// Whether an sshd_config includes DIRECTORY/*.conf outside of a Match block.
[[nodiscard]] bool includes_directory(std::string_view config, const std::string& directory);
/// The same configuration with every Include of files in `from` reading them in `to`.
[[nodiscard]] std::string redirect_includes(std::string_view config, const std::string& from,
                                            const std::string& to);

}  // namespace reversi::server

#pragma once
// What another program was told, as a client.json. It needs nothing of reversi on the server ("agent": false): the ports
// stay what they were, and what has no equivalent is named.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/core/names.h"

namespace reversi::client {

/// What the other program took from the account that ran it.
struct ImportContext {
  std::string node;                      ///< the node's name, unless the source has one
  std::string user;                      ///< whom ssh logs in as without -l
  std::string home;                      ///< "~"
  std::string directory;                 ///< where relative paths start
  std::string identity;                  ///< the key that ssh would take without -i
  std::vector<std::string> environment;  ///< "AUTOSSH_POLL=60"
};

struct ImportedForward {
  Endpoint listen;
  Target target;
  std::string banner;  ///< what a healthy service says first; empty: connect
};

/// What was found, whatever it was written in.
struct Import {
  std::string source;  ///< "autossh", "sshtunnel", "reversi"
  std::string node;
  std::string host;
  Port port = 22;
  std::string user;
  std::string identity;
  std::string known_hosts;
  std::vector<ImportedForward> forwards;
  std::vector<std::string> notes;  ///< what has no equivalent, one line each
};

/// autossh's own options and environment, then ssh's arguments.
/// @errors  usage  what ssh would refuse, no server, or no -R
[[nodiscard]] Result<Import> import_autossh(const std::vector<std::string>& arguments,
                                            const ImportContext& context);
/// OpenWrt's /etc/config/sshtunnel.
/// @param server  The section whose tunnels are wanted; empty: the first that has one.
/// @errors  config  "line 7: …";  not_found  no such server, no tunnel
[[nodiscard]] Result<Import> import_sshtunnel(std::string_view text, const std::string& server,
                                              const ImportContext& context);
/// The .rev file of the scripts of 2018.
/// @errors  config
[[nodiscard]] Result<Import> import_reversi(std::string_view text, const ImportContext& context);

/// client.json with the notes as comments above; `check` takes it once its files are there.
/// @errors  config  what was found cannot be said in a configuration: 33 forwards, a user with a space
[[nodiscard]] Result<std::string> import_text(const Import& import);

// ---- shared by the readers -----------------------------------------------------------------------

/// "[bind:]port:host:hostport", "[bind:]port:/socket"; brackets around IPv6.
/// @errors  usage  what has no equivalent, or is no such thing
[[nodiscard]] Result<ImportedForward> parse_remote_forward(std::string_view text);
/// The listen of a forward: no address is localhost; "*" and "" are all of them.
[[nodiscard]] Result<Endpoint> listen_of(const std::optional<std::string>& bind,
                                         std::string_view port);
/// "~/x" and relative paths made absolute.
[[nodiscard]] std::string absolute_path(const std::string& path, const ImportContext& context);
/// A node's name from whatever a person called it; empty if nothing is left.
[[nodiscard]] std::string as_node_name(std::string_view text);

}  // namespace reversi::client

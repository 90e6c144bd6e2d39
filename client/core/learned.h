#pragma once
// What servers say of themselves: their host keys, present and next, and the names that they can
// be reached by. It is kept beside the configuration and never instead of it; the configured names
// and keys stay valid.

#include <map>
#include <string>
#include <vector>

#include "client/core/client_config.h"

namespace reversi::client {

inline constexpr std::size_t kMostLearned = 16;  ///< names, and keys of each

struct Learned {
  std::vector<ServerConfig> servers;                          ///< none of them configured
  std::map<std::string, std::vector<std::string>> host_keys;  ///< "host:port" → "TYPE BLOB"
  friend bool operator==(const Learned&, const Learned&) = default;
};

/// What came over a session whose host key was verified.
struct Announcement {
  ServerConfig at;                     ///< the server of the session
  std::string host_key;                ///< "TYPE BLOB" of the session
  std::vector<std::string> host_keys;  ///< as sent: any bytes
  std::vector<std::string> servers;    ///< the same
};

/// A list of keys that has the session's own is the whole truth about this name, and replaces what
/// was known; another one only adds. A list of names replaces the former one, but for the name in
/// use. A key of one name counts for another only if that was announced and is not configured: of a
/// configured one the administrator has said who it is.
[[nodiscard]] Learned learn(const Learned& before, const std::vector<ServerConfig>& configured,
                            const Announcement& announcement);

/// The configured servers, then the learned ones.
[[nodiscard]] std::vector<ServerConfig> with_learned(std::vector<ServerConfig> configured,
                                                     const Learned& learned);

/// "TYPE BLOB" that may stand in a known_hosts file.
[[nodiscard]] bool is_host_key(std::string_view text);
/// The keys as a known_hosts file.
[[nodiscard]] std::string known_hosts_text(const Learned& learned);

[[nodiscard]] inline std::string learned_known_hosts_file(const std::string& state_dir) {
  return state_dir + "/learned_known_hosts";
}

}  // namespace reversi::client

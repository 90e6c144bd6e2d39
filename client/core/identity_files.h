#pragma once
// The node's keys while one is in rotation. None is ever removed before another has been accepted.
//
//   identity_file.next   made on request; offered first. A welcome to it puts it in the place of …
//   identity_file        the configured one, which is kept as …
//   identity_file.old    offered last: of two servers, one may know no other

#include <string>
#include <vector>

namespace reversi::client {

/// Of a private key's mode: its group may read it (0640 root:reversi), others may not, and only its
/// owner may change it.
inline constexpr unsigned kForbiddenKeyMode = 0027;

[[nodiscard]] inline std::string next_identity(const std::string& identity_file) {
  return identity_file + ".next";
}
[[nodiscard]] inline std::string old_identity(const std::string& identity_file) {
  return identity_file + ".old";
}
/// In the order in which they are offered.
[[nodiscard]] inline std::vector<std::string> identity_files(const std::string& identity_file) {
  return {next_identity(identity_file), identity_file, old_identity(identity_file)};
}

}  // namespace reversi::client

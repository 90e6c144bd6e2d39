#include "client/core/libssh_build.h"

namespace reversi::client {

std::string describe(const LibsshBuild& build) {
  std::string text = "libssh " + std::string(build.version);
  if (build.crypto.empty()) return text + ", the system's";
  return text + ", built in: " + std::string(build.crypto) + ", reads " +
         std::to_string(build.read_bytes / 1024) + " KiB at once, window " +
         std::to_string(build.window_bytes / 1024) + " KiB a channel";
}

std::string memory_bound_text(std::int64_t max_buffered_mib) {
  const std::string most = std::to_string(max_buffered_mib);
  return "at most " + most + " MiB are kept for slow readers (max_buffered_mib) and " + most +
         " MiB of ended connections that the server still holds, in buffers of up to twice that";
}

std::string known_holes_text(const LibsshBuild& build) {
  if (build.known_holes.empty()) return {};
  return "libssh " + std::string(build.version) + " has known holes (" +
         std::string(build.known_holes) + "): replace this client by one built with " +
         std::string(build.mended_in) + " or later";
}

}  // namespace reversi::client

#pragma once
// Which libssh this client was built with, and what is known to be wrong with it: of interest to `version`, `doctor` and
// the worker's log. Values from meson; nothing here calls libssh.

#include <cstdint>
#include <string>
#include <string_view>

namespace reversi::client {

struct LibsshBuild {
  std::string_view version;      ///< "0.10.6-0+deb12u3"; of the system's: the one compiled against
  std::string_view crypto;       ///< "openssl", "mbedtls 2.28.3-1"; empty: the system's libssh
  std::uint64_t read_bytes;      ///< what it reads from the socket at once; 0: the system's
  std::uint64_t window_bytes;    ///< what a channel may receive unread; 0: the system's
  std::string_view known_holes;  ///< "CVE-2026-0967 CVE-2026-59843"; of the system's always empty
  std::string_view mended_in;    ///< the first version without them
};
[[nodiscard]] const LibsshBuild& libssh_build();

/// "libssh 0.10.6, the system's" or "libssh 0.10.6-0+deb12u3, built in: openssl, reads 256 KiB at once, window 1250 KiB
/// a channel".
[[nodiscard]] std::string describe(const LibsshBuild& build);
/// What this build may keep for slow readers: "at most 32 MiB are kept for slow readers (max_buffered_mib) and 32 MiB of
/// ended connections that the server still holds, in buffers of up to twice that". libssh's buffers grow to the next
/// power of two.
[[nodiscard]] std::string memory_bound_text(std::int64_t max_buffered_mib);
/// One line that says what to do about it; empty without known holes.
[[nodiscard]] std::string known_holes_text(const LibsshBuild& build);

}  // namespace reversi::client

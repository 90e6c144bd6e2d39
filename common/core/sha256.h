#pragma once
// SHA-256 (FIPS 180-4): how OpenSSH names a key. For names only; nothing secret passes through here.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace reversi {

using Sha256 = std::array<std::uint8_t, 32>;
[[nodiscard]] Sha256 sha256(std::string_view bytes);

/// 64 lower-case digits.
[[nodiscard]] std::string to_hex(const Sha256& digest);
/// "SHA256:" and base64 without padding, as ssh-keygen -l prints it.
[[nodiscard]] std::string to_fingerprint(const Sha256& digest);

}  // namespace reversi

#pragma once
// One public key as a person pastes it: "TYPE BLOB [COMMENT]". The blob is what counts; a comment
// is only ever shown.

#include <cstddef>
#include <string>
#include <string_view>

#include "common/core/error.h"
#include "common/core/sha256.h"

namespace reversi::server {

inline constexpr std::size_t kMostPublicKeyBytes = 16 * 1024;

struct PublicKey {
  std::string type;     ///< "ssh-ed25519"
  std::string blob;     ///< base64, RFC 4253 section 6.6; its own inner type equals `type`
  std::string comment;  ///< printable, may be empty

  friend bool operator==(const PublicKey&, const PublicKey&) = default;
};

/// Reads exactly one key; surrounding blank lines are ignored.
/// @errors  config  a private key, several lines, options in front, an unknown type, broken base64
[[nodiscard]] Result<PublicKey> parse_public_key(std::string_view text);
/// "TYPE BLOB COMMENT", no newline.
[[nodiscard]] std::string format_public_key(const PublicKey& key);
[[nodiscard]] inline bool is_same_key(const PublicKey& a, const PublicKey& b) {
  return a.type == b.type && a.blob == b.blob;
}
/// Of the decoded blob: to_fingerprint() and to_hex() name the key by it.
[[nodiscard]] Sha256 digest_of(const PublicKey& key);

}  // namespace reversi::server

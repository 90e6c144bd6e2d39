#include "server/core/public_key.h"

#include <algorithm>
#include <array>
#include <optional>

namespace reversi::server {
namespace {

constexpr std::size_t kMostCommentBytes = 200;
constexpr std::string_view kWhiteSpace = " \t\r\n";

/// A key type and how many length-prefixed fields follow its name in the blob (RFC 4253, 5656,
/// 8709, OpenSSH's PROTOCOL.u2f). DSA is missing on purpose: sshd refuses it.
struct KeyType {
  std::string_view name;
  std::size_t fields;
};
constexpr std::array<KeyType, 7> kTypes{{
    {"ssh-ed25519", 1},
    {"ecdsa-sha2-nistp256", 2},
    {"ecdsa-sha2-nistp384", 2},
    {"ecdsa-sha2-nistp521", 2},
    {"ssh-rsa", 2},
    {"sk-ssh-ed25519@openssh.com", 2},
    {"sk-ecdsa-sha2-nistp256@openssh.com", 3},
}};

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

/// Cuts off the first word.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of(kWhiteSpace), text.size());
  const std::string_view word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

std::optional<std::string> decode_base64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  std::string bytes;
  unsigned long bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = ((bits << 6) | digit) & 0xFFFFFFUL;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>((bits >> count) & 0xFFUL);
  }
  return bytes;
}

/// Cuts off one field: four bytes of length, then that many bytes (RFC 4251, "string").
std::optional<std::string_view> take_blob_field(std::string_view& bytes) {
  if (bytes.size() < 4) return std::nullopt;
  std::size_t length = 0;
  for (const char c : bytes.substr(0, 4)) length = (length << 8) | static_cast<unsigned char>(c);
  bytes.remove_prefix(4);
  if (length > bytes.size()) return std::nullopt;
  const std::string_view field = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return field;
}

bool is_whole_blob(std::string_view blob, const KeyType& type) {
  const auto bytes = decode_base64(blob);
  if (!bytes) return false;
  std::string_view rest = *bytes;
  if (take_blob_field(rest) != type.name) return false;
  for (std::size_t i = 0; i < type.fields; ++i) {
    const auto field = take_blob_field(rest);
    if (!field || field->empty()) return false;
  }
  return rest.empty();
}

}  // namespace

Result<PublicKey> parse_public_key(std::string_view text) {
  if (text.find("PRIVATE KEY") != std::string_view::npos) {
    return fail(Errc::config,
                "this is a private key, which must never leave its node; give the "
                ".pub file beside it");
  }
  std::string_view rest = trim(text);
  if (rest.empty())
    return fail(Errc::config, "no key here; give one line like \"ssh-ed25519 AAAA…\"");
  if (rest.size() > kMostPublicKeyBytes) return fail(Errc::config, "far too long for a public key");
  if (rest.find_first_of("\r\n") != std::string_view::npos) {
    return fail(Errc::config, "several lines; give exactly one public key");
  }
  const std::string_view type = take_word(rest);
  const auto* row = std::ranges::find(kTypes, type, &KeyType::name);
  if (row == kTypes.end()) {
    return fail(Errc::config, "\"" + printable(type, 60) +
                                  "\" is no key type that is taken here; give one line like "
                                  "\"ssh-ed25519 AAAA…\", without options in front");
  }
  const std::string_view blob = take_word(rest);
  if (!is_whole_blob(blob, *row)) {
    return fail(Errc::config, "the " + std::string(type) +
                                  " key is damaged or cut short; copy the "
                                  "whole line of the .pub file");
  }
  return PublicKey{std::string(type), std::string(blob), printable(rest, kMostCommentBytes)};
}

std::string format_public_key(const PublicKey& key) {
  return key.type + ' ' + key.blob + (key.comment.empty() ? "" : ' ' + key.comment);
}

Sha256 digest_of(const PublicKey& key) {
  return sha256(decode_base64(key.blob).value_or(""));
}

}  // namespace reversi::server

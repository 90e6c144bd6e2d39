#include "client/ssh/keys.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "client/core/identity_files.h"
#include "common/io/files.h"
#include "common/io/system_error.h"

namespace reversi {
namespace {

constexpr std::size_t kMostKeyBytes = 64 * 1024;

/// libssh asks for a passphrase only if the key is encrypted. Without this callback OpenSSL would
/// prompt on the terminal.
int note_encrypted(const char* /*prompt*/, char* /*buffer*/, size_t /*size*/, int /*echo*/,
                   int /*verify*/, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return -1;
}

}  // namespace

Result<SshKey> load_private_key(const std::string& path) {
  std::error_code resolve_error;
  const std::string real = std::filesystem::canonical(path, resolve_error).string();
  if (resolve_error) return fail(errno_error(resolve_error.value(), path));
  struct stat info {};
  if (::stat(real.c_str(), &info) != 0) return fail(errno_error(errno, path));
  if ((info.st_mode & client::kForbiddenKeyMode) != 0) {
    return fail(Errc::permission,
                path + ": others may read or change this private key; run chmod 600 " + path);
  }
  auto text = read_file(real, kMostKeyBytes);
  if (!text) return fail(text.error());

  bool is_encrypted = false;
  ssh_key key = nullptr;
  const int rc =
      ssh_pki_import_privkey_base64(text->c_str(), nullptr, note_encrypted, &is_encrypted, &key);
  wipe(text->data(), text->size());
  if (is_encrypted) {
    return fail(
        Errc::config,
        path + ": encrypted; a node needs a key without a passphrase: ssh-keygen -p -N '' -f " +
            path);
  }
  if (rc != SSH_OK) return fail(Errc::config, path + ": not a private key that can be used");
  return SshKey{key};
}

void wipe(char* text, std::size_t size) {
  volatile char* at = text;
  for (std::size_t i = 0; i < size; ++i) at[i] = 0;
}

std::string key_line(ssh_key key) {
  char* raw = nullptr;
  if (ssh_pki_export_pubkey_base64(key, &raw) != SSH_OK) return {};
  const SshText text{raw};
  const char* type = ssh_key_type(key) == SSH_KEYTYPE_ECDSA_P256 ||
                             ssh_key_type(key) == SSH_KEYTYPE_ECDSA_P384 ||
                             ssh_key_type(key) == SSH_KEYTYPE_ECDSA_P521
                         ? ssh_pki_key_ecdsa_name(key)
                         : ssh_key_type_to_char(ssh_key_type(key));
  return std::string(type) + ' ' + text.get();
}

std::string fingerprint(ssh_key key) {
  unsigned char* hash = nullptr;
  std::size_t size = 0;
  if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != 0) return "unknown";
  const SshText text{ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size)};
  ssh_clean_pubkey_hash(&hash);
  return text ? std::string(text.get()) : "unknown";
}

}  // namespace reversi

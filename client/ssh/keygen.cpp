#include "client/ssh/keygen.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "client/ssh/keys.h"
#include "common/io/files.h"
#include "common/io/system_error.h"

namespace reversi {

Result<std::string> generate_ed25519(const std::string& path, std::string_view comment) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    return fail(Errc::exists, path + ": exists; move it away first if it is not needed any more");
  }
  if (errno != ENOENT) return fail(errno_error(errno, path));

  ssh_init();
  ssh_key raw = nullptr;
  if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &raw) != SSH_OK) {
    return fail(Errc::io, "libssh could not make an ed25519 key");
  }
  const SshKey key{raw};
  char* raw_text = nullptr;
  if (ssh_pki_export_privkey_base64(key.get(), nullptr, nullptr, nullptr, &raw_text) != SSH_OK) {
    return fail(Errc::io, "libssh could not export the new key");
  }
  const SshText private_text{raw_text};
  const std::size_t size = std::strlen(private_text.get());
  // The first thing that a new node does: nothing has made /etc/reversi yet.
  const auto directory = parent_directory(path);
  const auto written =
      (directory.empty() ? Result<void>{} : make_directories(directory, 0755)).and_then([&] {
        return write_file(path, {private_text.get(), size}, 0600, Sync::disk);
      });
  wipe(private_text.get(), size);
  if (!written) return fail(written.error());

  return public_line(key.get(), comment);
}

Result<std::string> public_line(ssh_key key, std::string_view comment) {
  const std::string line = key_line(key);
  if (line.empty()) return fail(Errc::io, "libssh could not export the public key");
  return line + ' ' + std::string(comment);
}

}  // namespace reversi

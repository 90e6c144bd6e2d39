#include "client/ssh/host_key.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "client/ssh/keys.h"
#include "common/io/files.h"
#include "common/io/system_error.h"

namespace reversi {
namespace {

constexpr std::size_t kMostFileBytes = 1024 * 1024;

/// Key types of known_hosts and the algorithms that sign with them, in our order of preference.
constexpr auto kAlgorithms = std::to_array<std::pair<ssh_keytypes_e, std::string_view>>({
    {SSH_KEYTYPE_ED25519, "ssh-ed25519"},
    {SSH_KEYTYPE_ECDSA_P256, "ecdsa-sha2-nistp256"},
    {SSH_KEYTYPE_ECDSA_P384, "ecdsa-sha2-nistp384"},
    {SSH_KEYTYPE_ECDSA_P521, "ecdsa-sha2-nistp521"},
    {SSH_KEYTYPE_RSA, "rsa-sha2-512,rsa-sha2-256"},
});

std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

std::string type_name(ssh_key key) {
  return ssh_key_type_to_char(ssh_key_type(key));
}

}  // namespace

std::string known_hosts_name(const Endpoint& server) {
  std::string host = server.host;
  std::ranges::transform(host, host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return server.port == 22 ? host : '[' + host + "]:" + std::to_string(server.port);
}

Result<PinnedKeys> PinnedKeys::load(const std::vector<std::string>& files, const Endpoint& server) {
  if (files.empty()) return fail(Errc::config, "no known_hosts file is named");
  PinnedKeys pinned;
  pinned.host_port_ = known_hosts_name(server);
  for (const std::string& file : files) {
    std::error_code error;
    const std::string real = std::filesystem::canonical(file, error).string();
    const bool is_first = &file == &files.front();
    if (error && !is_first) continue;
    if (error) return fail(errno_error(error.value(), file));
    const auto text = read_file(real, kMostFileBytes);
    if (!text && !is_first) continue;
    if (!text) return fail(text.error());
    pinned.files_ += (pinned.files_.empty() ? "" : ", ") + file;
    pinned.read_lines(*text, file);
  }
  return pinned;
}

void PinnedKeys::read_lines(std::string_view text, const std::string& file) {
  int number = 0;
  while (!text.empty()) {
    std::string line(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    ++number;
    // libssh cuts at single blanks only.
    std::ranges::replace_if(
        line, [](char c) { return c == '\t' || c == '\r'; }, ' ');
    const auto both_blank = [](char a, char b) { return a == ' ' && b == ' '; };
    line.erase(std::unique(line.begin(), line.end(), both_blank), line.end());
    std::string_view rest = line;
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    if (rest.empty() || rest.starts_with('#')) continue;
    const bool is_revoked = rest.starts_with("@revoked ");
    if (is_revoked) take_word(rest);
    if (rest.starts_with('@')) continue;

    ssh_knownhosts_entry* entry = nullptr;
    const std::string entry_line(rest);
    // Anything but SSH_OK is another host's line, or one that we cannot read: it pins nothing.
    if (ssh_known_hosts_parse_line(host_port_.c_str(), entry_line.c_str(), &entry) != SSH_OK)
      continue;
    pins_.push_back({SshKey{std::exchange(entry->publickey, nullptr)}, file, number, is_revoked});
    ssh_knownhosts_entry_free(entry);
  }
}

std::string PinnedKeys::algorithms() const {
  std::string first;
  std::string others;
  for (const auto& [type, names] : kAlgorithms) {
    const bool is_pinned = std::ranges::any_of(pins_, [wanted = type](const Pin& pin) {
      return !pin.is_revoked && ssh_key_type(pin.key.get()) == wanted;
    });
    std::string& list = is_pinned ? first : others;
    list += (list.empty() ? "" : ",") + std::string(names);
  }
  return first + (first.empty() || others.empty() ? "" : ",") + others;
}

bool PinnedKeys::knows_server() const {
  return std::ranges::any_of(pins_, [](const Pin& pin) { return !pin.is_revoked; });
}

Result<std::string> PinnedKeys::check(ssh_key shown) const {
  const std::string print = fingerprint(shown);
  const std::string what = type_name(shown) + ' ' + print;
  const Pin* other = nullptr;
  const Pin* match = nullptr;
  for (const Pin& pin : pins_) {
    const bool same = ssh_key_cmp(shown, pin.key.get(), SSH_KEY_CMP_PUBLIC) == 0;
    if (same && pin.is_revoked) {
      return fail(Errc::refused, "host key of " + host_port_ + " is revoked: " + what + ", " +
                                     pin.file + " line " + std::to_string(pin.line));
    }
    if (pin.is_revoked) continue;
    if (same) {
      match = &pin;
      continue;
    }
    // The line to be named is of the same type, and of the first file: that is the person's own.
    const auto fits = [&](const Pin& each) {
      return ssh_key_type(each.key.get()) == ssh_key_type(shown);
    };
    if (other == nullptr || (fits(pin) && !fits(*other))) other = &pin;
  }
  if (match != nullptr) return print;
  if (other != nullptr) {
    return fail(Errc::refused, "host key of " + host_port_ + " changed: it shows " + what +
                                   ", but " + other->file + " line " + std::to_string(other->line) +
                                   " has " + type_name(other->key.get()) + ' ' +
                                   fingerprint(other->key.get()) +
                                   "; if the change is meant, replace that line");
  }
  return fail(Errc::refused, "host key of " + host_port_ + " is unknown: it shows " + what +
                                 ", and " + files_ +
                                 " has no line for it; add one after checking the fingerprint");
}

}  // namespace reversi

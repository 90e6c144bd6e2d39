#include "server/io/host_keys.h"

#include <algorithm>
#include <filesystem>

#include "common/io/files.h"

namespace reversi::server {
namespace {

constexpr std::size_t kMostKeyBytes = 16 * 1024;
constexpr std::size_t kMostAnnounced = 16;
constexpr std::size_t kMostAnnouncedBytes = 4096;       // of one key: the protocol's bound
constexpr std::size_t kMostAnnouncedTotal = 32 * 1024;  // a line of the protocol has 64 KiB
constexpr const char* kSshDirectory = "/etc/ssh";

}  // namespace

std::vector<std::string> host_key_files(const ServerPolicy& policy) {
  if (!policy.host_key_files.empty()) return policy.host_key_files;
  std::vector<std::string> files;
  std::error_code failed;
  // Not a range: its increment throws.
  std::filesystem::directory_iterator entry(kSshDirectory, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const std::string name = entry->path().filename();
    if (name.starts_with("ssh_host_") && name.ends_with("_key.pub")) files.push_back(entry->path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<PublicKey> own_host_keys(const ServerPolicy& policy) {
  std::vector<PublicKey> keys;
  for (const std::string& file : host_key_files(policy)) {
    const auto text = read_file(file, kMostKeyBytes);
    // A DSA key that an old system left there is none that a client would take.
    auto key = text ? parse_public_key(*text) : fail(text.error());
    if (key) keys.push_back(*std::move(key));
  }
  return keys;
}

std::vector<std::string> announced_host_keys(const ServerPolicy& policy) {
  std::vector<PublicKey> keys = own_host_keys(policy);
  for (const std::string& text : policy.next_host_keys) {
    if (auto key = parse_public_key(text)) keys.push_back(*std::move(key));
  }
  std::vector<std::string> lines;
  std::size_t total = 0;
  for (const PublicKey& key : keys) {
    const std::string line = key.type + ' ' + key.blob;
    const bool is_known = std::ranges::find(lines, line) != lines.end();
    const bool fits = line.size() <= kMostAnnouncedBytes && lines.size() < kMostAnnounced &&
                      total + line.size() <= kMostAnnouncedTotal;
    if (is_known || !fits) continue;
    total += line.size();
    lines.push_back(line);
  }
  return lines;
}

}  // namespace reversi::server

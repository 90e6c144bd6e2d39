#include "client/io/enrol_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "client/core/client_config.h"
#include "common/io/files.h"
#include "common/io/system_error.h"

namespace reversi::client {
namespace {

constexpr std::size_t kMostEnrolFileBytes = 1024 * 1024;
constexpr mode_t kDirectoryMode = 0755;
constexpr mode_t kConfigMode = 0600;
constexpr mode_t kKnownHostsMode = 0644;

/// The file behind a link, so that the rename replaces the file and not the link.
Result<std::string> resolve(const std::string& path) {
  std::error_code failed;
  const auto resolved = std::filesystem::weakly_canonical(path, failed);
  if (failed) return fail(errno_error(failed.value(), path));
  return resolved.string();
}

}  // namespace

Result<Present> compare_config(const std::string& path, const std::string& text) {
  const auto file = resolve(path);
  if (!file) return fail(file.error());
  const auto present = read_file(*file, kMostEnrolFileBytes);
  if (!present && present.error().code() == Errc::not_found) return Present::none;
  if (!present) return fail(present.error());
  const std::string directory = parent_directory(path);
  const auto before = parse_client_config(*present, directory);
  const auto after = parse_client_config(text, directory);
  if (!after) return fail(after.error());
  return before && *before == *after ? Present::same : Present::other;
}

Result<void> write_config(const std::string& path, const std::string& text) {
  const auto file = resolve(path);
  if (!file) return fail(file.error());
  if (auto ok = make_directories(parent_directory(*file), kDirectoryMode); !ok) return ok;
  return write_file(*file, text, kConfigMode, Sync::disk);
}

Result<void> add_known_host(const std::string& path, const std::string& line) {
  const auto file = resolve(path);
  if (!file) return fail(file.error());
  if (auto ok = make_directories(parent_directory(*file), kDirectoryMode); !ok) return ok;
  struct stat info {};
  const bool is_there = ::stat(file->c_str(), &info) == 0;
  auto text = is_there ? read_file(*file, kMostEnrolFileBytes) : std::string();
  if (!text) return fail(text.error());
  if (!text->empty() && !text->ends_with('\n')) *text += '\n';
  const mode_t mode = is_there ? info.st_mode & 07777 : kKnownHostsMode;
  return write_file(*file, *text + line + '\n', mode, Sync::disk);
}

}  // namespace reversi::client

#include "client/io/next_key.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "client/core/identity_files.h"
#include "common/io/command.h"
#include "common/io/files.h"
#include "common/io/system_error.h"

namespace reversi::client {
namespace {

constexpr Millis kKeygenLimit{20'000};
constexpr std::size_t kMostKeyFileBytes = 64 * 1024;

}  // namespace

Result<std::string> make_next_key(const WorkerProgram& worker,
                                  const std::string& identity_file, bool spares_old) {
  const std::string old = old_identity(identity_file);
  if (spares_old && ::access(old.c_str(), F_OK) == 0) {
    return fail(Errc::exists,
                old +
                    ": another server may know no other key; rotate the key there first, "
                    "or remove the file if no server needs it");
  }
  std::vector<std::string> command = worker;
  command.insert(command.end(), {"next-key", next_identity(identity_file)});
  const auto made = run_command(command, {.time = kKeygenLimit});
  if (!made) return fail(made.error());
  if (!made->is_ok()) return fail(Errc::io, made->why());
  return made->out.substr(0, made->out.find('\n'));
}

Result<void> adopt_next_key(const std::string& identity_file) {
  const std::string next = next_identity(identity_file);
  if (::access(next.c_str(), F_OK) != 0) return {};  // another tunnel of ours has just done it
  // Not a link to the old file: file systems of routers know none.
  std::error_code error;
  const std::string real = std::filesystem::canonical(identity_file, error).string();
  auto present = read_file(error ? identity_file : real, kMostKeyFileBytes);
  if (!present && present.error().code() != Errc::not_found) return fail(present.error());
  if (present) {
    auto kept = write_file(old_identity(identity_file), *present, 0600, Sync::disk);
    for (volatile char& byte : *present) byte = 0;
    if (!kept) return kept;
  }
  if (::rename(next.c_str(), identity_file.c_str()) != 0) return fail(errno_error(errno, next));
  // Some file systems cannot; then the next key is found under its former name after a power cut.
  const auto directory = parent_directory(identity_file);
  const UniqueFd fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (fd) ::fsync(fd.get());
  return {};
}

}  // namespace reversi::client

#include "client/io/config_file.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "client/core/identity_files.h"
#include "common/io/files.h"
#include "common/io/system_error.h"

namespace reversi::client {
namespace {

constexpr std::size_t kMostConfigBytes = 256 * 1024;

std::string last_good_file(const std::string& state_dir) {
  return state_dir + "/last-good.json";
}

std::string absolute(const std::string& path) {
  std::error_code error;
  const auto whole = std::filesystem::absolute(path, error);
  return error ? path : whole.lexically_normal().string();
}

Error at(const std::string& path, const Error& error) {
  return {Errc::config, path + ": " + error.line()};
}

/// A file that the worker will read: there, regular, readable by us, and not empty.
Result<struct stat> check_file(std::string_view key, const std::string& path) {
  const auto bad = [&](const std::string& what) {
    return fail(Errc::config, std::string(key) + ": " + path + ": " + what);
  };
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return bad(errno_text(errno));
  if (!S_ISREG(info.st_mode)) return bad("expected a regular file");
  if (::access(path.c_str(), R_OK) != 0) return bad(errno_text(errno));
  if (info.st_size == 0) return bad("the file is empty");
  return info;
}

/// What this machine has to have for it.
Result<void> check_files(const ClientConfig& config) {
  const auto key = check_file("identity_file", config.identity_file);
  if (!key) return fail(key.error());
  if ((key->st_mode & kForbiddenKeyMode) != 0) {
    return fail(Errc::config, "identity_file: " + config.identity_file +
                                  ": others may read or change this private key; run chmod 600 " +
                                  config.identity_file);
  }
  const auto hosts = check_file("known_hosts_file", config.known_hosts_file);
  if (!hosts) return fail(hosts.error());
  // The worker changes to this user once it has read the files: better said now than at each start.
  if (!config.user.empty() && ::getpwnam(config.user.c_str()) == nullptr) {
    return fail(Errc::config, "user: there is no user " + config.user + " on this machine");
  }
  return check_canary_listen(config);
}

/// What is wrong with the files that it names is its `error`.
Result<LoadedConfig> parse(const std::string& path, const std::string& text) {
  auto config = parse_client_config(text, parent_directory(path));
  if (!config) return fail(at(path, config.error()));
  LoadedConfig loaded{*std::move(config), path, text, false, {}, false};
  if (const auto ok = check_files(loaded.config); !ok) loaded.error = at(path, ok.error()).line();
  loaded.is_of_files = !loaded.error.empty();
  return loaded;
}

Result<std::string> read_present(const std::string& path) {
  // A link is fine here: people keep their configuration in /rom, a store, a repository.
  std::error_code error;
  const auto target = std::filesystem::canonical(path, error);
  if (error) return fail(Errc::config, path + ": " + error.message());
  return read_file(target.string(), kMostConfigBytes).map_error([](const Error& e) {
    return Error{Errc::config, e.line()};
  });
}

/// The copy is in the state directory that the present text names, however broken it is.
Result<std::string> read_last_good(const std::string& path) {
  const std::string directory = parent_directory(path);
  const auto state_dir =
      find_state_dir(read_present(path).value_or(""), directory).value_or(directory);
  return read_file(last_good_file(state_dir), kMostConfigBytes);
}

}  // namespace

std::string LoadedConfig::source() const {
  return is_last_good ? last_good_file(config.state_dir) : path;
}

std::string default_config_path() {
  if (::geteuid() == 0) return "/etc/reversi/client.json";
  const char* config_home = std::getenv("XDG_CONFIG_HOME");
  if (config_home != nullptr && *config_home == '/') {
    return std::string(config_home) + "/reversi/client.json";
  }
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "" : home) + "/.config/reversi/client.json";
}

Result<LoadedConfig> load_config(const std::string& path) {
  const std::string whole = absolute(path);
  const auto text = read_present(whole);
  if (!text) return fail(text.error());
  auto loaded = parse(whole, *text);
  if (loaded && loaded->is_of_files) return fail(Errc::config, loaded->error);
  return loaded;
}

Result<LoadedConfig> load_config_or_last_good(const std::string& path) {
  const std::string whole = absolute(path);
  auto present =
      read_present(whole).and_then([&](const std::string& text) { return parse(whole, text); });
  if (present && !present->is_of_files) return present;
  const auto kept = read_last_good(whole);
  // At a first set-up the mistake is better said at once.
  if (!kept) return load_config(path);
  // Relative paths in it start where the configuration is, not where the copy is.
  auto last_good = parse(whole, *kept);
  // A node that was up is not to be lost for a file that may be mended: the worker says what is wrong
  // with it at each try.
  if (!last_good || (present && last_good->is_of_files)) return present;
  last_good->is_last_good = true;
  last_good->is_of_files = false;
  last_good->error = present ? present->error : present.error().line();
  return last_good;
}

Result<ClientConfig> read_config(const std::string& path) {
  const std::string whole = absolute(path);
  const std::string directory = parent_directory(whole);
  auto present = read_present(whole).and_then(
      [&](const std::string& text) { return parse_client_config(text, directory); });
  if (present) return present;
  const auto kept = read_last_good(whole).and_then(
      [&](const std::string& text) { return parse_client_config(text, directory); });
  if (kept) return kept;
  const std::string line = present.error().line();
  return fail(Errc::config, line.starts_with(whole) ? line : whole + ": " + line);
}

Result<void> keep_as_last_good(const LoadedConfig& loaded) {
  if (loaded.is_last_good) return {};
  return write_file_if_changed(last_good_file(loaded.config.state_dir), loaded.text, 0600,
                               Sync::disk)
      .map([](bool) {});
}

}  // namespace reversi::client

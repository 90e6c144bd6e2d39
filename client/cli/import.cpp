// import: what another program was told, as a client.json; what has no equivalent goes to standard error, too.

#include "client/core/import.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "client/cli/verbs.h"
#include "common/io/files.h"
#include "common/io/system_error.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): macOS does not declare it

namespace reversi::client {
namespace {

constexpr std::size_t kMostFileBytes = 256 * 1024;

struct ImportOptions {
  std::vector<std::string> words;
  std::string file;
  std::string server;
  std::string node;
  std::string out;
};

std::string own_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "node";
  const std::string text = as_node_name(name.data());
  return text.empty() ? "node" : text;
}

/// The first key that ssh would find.
std::string own_key(const std::string& home) {
  for (const char* name : {"id_rsa", "id_ecdsa", "id_ed25519"}) {
    const std::string path = home + "/.ssh/" + name;
    if (::access(path.c_str(), F_OK) == 0) return path;
  }
  return home + "/.ssh/id_ed25519";
}

Result<ImportContext> own_context(const ImportOptions& options) {
  ImportContext context;
  context.node = options.node.empty() ? own_name() : options.node;
  if (const auto name = NodeName::parse(context.node); !name) {
    return fail(Errc::usage, "--node " + name.error().line());
  }
  const passwd* account = ::getpwuid(::geteuid());
  context.user = account != nullptr ? account->pw_name : "root";
  const char* home = std::getenv("HOME");
  // procd and cron have HOME=/ at times: the account knows better.
  const bool has_home = home != nullptr && *home == '/' && home[1] != '\0';
  context.home = has_home ? home : account != nullptr ? account->pw_dir : "/root";
  context.identity = own_key(context.home);
  std::error_code failed;
  context.directory = std::filesystem::current_path(failed).string();
  for (char** variable = environ; *variable != nullptr; ++variable) {
    context.environment.emplace_back(*variable);
  }
  return context;
}

Result<ExitCode> hand_over(const Import& import, const std::string& out) {
  const auto text = import_text(import);
  if (!text) return fail(text.error());
  for (const std::string& note : import.notes) {
    std::fprintf(stderr, "reversi-client: %s\n", printable(note, 300).c_str());
  }
  if (out.empty()) {
    std::fputs(text->c_str(), stdout);
    return ExitCode::done;
  }
  if (::access(out.c_str(), F_OK) == 0) {
    return fail(Errc::exists, out + ": exists; move it away first");
  }
  if (auto ok = write_file(out, *text, 0600, Sync::disk); !ok) return fail(ok.error());
  std::fprintf(stderr, "reversi-client: next: reversi-client check --config %s\n", out.c_str());
  return ExitCode::done;
}

using Reader = Result<Import> (*)(const ImportOptions& options, const ImportContext& context);

Run import_run(const std::shared_ptr<ImportOptions>& options, Reader read) {
  return [options, read]() -> Result<ExitCode> {
    const auto context = own_context(*options);
    if (!context) return fail(context.error());
    const auto import = read(*options, *context);
    return import ? hand_over(*import, options->out) : fail(import.error());
  };
}

void add_output(Options& add, ImportOptions& options) {
  add.text("--node", options.node, "The node's name; default: this machine's.", "NAME");
  add.text("--out", options.out, "Where it goes instead of standard output; never replaces a file.",
           "FILE");
}

/// A file of another program, with its name in front of every error.
template <class Parse>
Result<Import> read_import(const std::string& file, Parse parse) {
  std::error_code failed;
  const auto real = std::filesystem::canonical(file, failed);
  if (failed) return fail(errno_error(failed.value(), file));
  const auto text = read_file(real.string(), kMostFileBytes);
  if (!text) return fail(text.error());
  return parse(*text).map_error([&](Error error) { return std::move(error).in(file); });
}

}  // namespace

Run import_autossh_verb(Options& add) {
  auto options = std::make_shared<ImportOptions>();
  add.words("ARGS", options->words, "What autossh or ssh is started with.");
  add_output(add, *options);
  return import_run(options, [](const ImportOptions& o, const ImportContext& context) {
    return import_autossh(o.words, context);
  });
}

Run import_sshtunnel_verb(Options& add) {
  auto options = std::make_shared<ImportOptions>();
  options->file = "/etc/config/sshtunnel";
  add.text("FILE", options->file, "The configuration; default /etc/config/sshtunnel.");
  add.text("--server", options->server, "The server's section, where there are several.", "NAME");
  add_output(add, *options);
  return import_run(options, [](const ImportOptions& o, const ImportContext& context) {
    return read_import(
        o.file, [&](const std::string& text) { return import_sshtunnel(text, o.server, context); });
  });
}

Run import_reversi_verb(Options& add) {
  auto options = std::make_shared<ImportOptions>();
  add.text("FILE", options->file, "The node's .rev file.", "", Need::required);
  add_output(add, *options);
  return import_run(options, [](const ImportOptions& o, const ImportContext& context) {
    return read_import(o.file,
                       [&](const std::string& text) { return import_reversi(text, context); });
  });
}

}  // namespace reversi::client

// node bundle: all that a node needs, in one archive with an installer.

#include "server/core/bundle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "common/io/clock.h"
#include "common/io/command.h"
#include "common/io/files.h"
#include "common/io/system_error.h"
#include "common/io/temporary_directory.h"
#include "server/cli/admin.h"
#include "server/cli/node_rights.h"
#include "server/cli/registration.h"
#include "server/cli/verbs.h"
#include "server/core/key_rotation.h"
#include "server/io/event_log.h"
#include "server/io/host_keys.h"
#include "server/io/node_lines.h"

namespace reversi::server {
namespace {

constexpr std::size_t kMostProgramBytes = 64 * 1024 * 1024;
constexpr std::size_t kMostArchiveBytes = 160 * 1024 * 1024;
constexpr Millis kKeygenLimit{20'000};
constexpr Millis kGzipLimit{120'000};

struct BundleOptions {
  AdminOptions admin;
  std::string node;
  std::string os;
  std::string key;
  std::vector<std::string> programs;
  std::string address;
  std::vector<std::string> host_keys;
  std::string out;
  TypedRights rights;
  bool replaces_key = false;
};

/// Where the archive goes: opened as the caller, who may be root and is not afterwards.
class Output {
 public:
  static Result<Output> open(const std::string& path) {
    Output output;
    output.path_ = path;
    if (path == "-") {
      if (::isatty(STDOUT_FILENO) == 1) {
        return fail(Errc::usage, "--out -: standard output is a terminal");
      }
      output.fd_ = UniqueFd(::dup(STDOUT_FILENO));
    } else {
      output.fd_ = UniqueFd(
          ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    }
    if (!output.fd_) return fail(errno_error(errno, path));
    struct stat info {};
    if (path == "-" || ::fstat(output.fd_.get(), &info) != 0) return output;
    // An empty one is what is left when a verb of root's fails, which has become somebody else by then.
    if (!S_ISREG(info.st_mode) || info.st_size > 0) {
      output.fd_.reset();
      return fail(Errc::exists, path + ": exists; remove it, or choose another with --out");
    }
    if (::fchmod(output.fd_.get(), 0600) != 0) return fail(errno_error(errno, path));
    return output;
  }
  Output() = default;
  Output(Output&&) = default;
  Output& operator=(Output&&) = default;
  /// What is not whole must not be taken for a bundle.
  ~Output() {
    if (!fd_ || path_ == "-") return;
    static_cast<void>(::ftruncate(fd_.get(), 0) == 0 && ::unlink(path_.c_str()) == 0);
  }

  Result<void> write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t size = ::write(fd_.get(), text.data(), text.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return fail(errno_error(errno, path_));
      text.remove_prefix(static_cast<std::size_t>(size));
    }
    if (::close(fd_.release()) != 0) return fail(errno_error(errno, path_));
    return {};
  }
  [[nodiscard]] bool is_standard() const { return path_ == "-"; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  UniqueFd fd_;
};

Result<KeyPair> make_key() {
  const auto directory = TemporaryDirectory::make("reversi-bundle");
  if (!directory) return fail(directory.error());
  const std::string file = directory->at("id_ed25519");
  const auto made =
      run_command({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "reversi", "-f", file},
                  {.time = kKeygenLimit});
  if (!made) return fail(made.error());
  if (!made->is_ok()) return fail(Errc::io, "ssh-keygen: " + made->why());
  auto private_text = read_file(file, kMostKeyFileBytes);
  if (!private_text) return fail(private_text.error());
  auto public_line = read_file(file + ".pub", kMostKeyFileBytes);
  if (!public_line) return fail(public_line.error());
  while (public_line->ends_with('\n')) public_line->pop_back();
  return KeyPair{*std::move(private_text), *std::move(public_line)};
}

Result<std::vector<TarFile>> read_programs(const std::vector<std::string>& files) {
  std::vector<TarFile> programs;
  for (const std::string& file : files) {
    const std::string name = std::filesystem::path(file).filename();
    if (name != "reversi-client" && name != "reversi-worker") {
      return fail(Errc::usage,
                  "--binary " + file + ": expected a file named reversi-client or reversi-worker");
    }
    std::error_code failed;
    const auto real = std::filesystem::canonical(file, failed);
    auto text = read_file(failed ? file : real.string(), kMostProgramBytes);
    if (!text) return fail(Error(text.error()).in("--binary"));
    programs.push_back({name, 0755, *std::move(text)});
  }
  return programs;
}

Result<std::vector<PublicKey>> read_named(const std::vector<std::string>& files) {
  std::vector<PublicKey> keys;
  for (const std::string& file : files) {
    const auto text = read_file(file, kMostKeyFileBytes);
    if (!text) return fail(Error(text.error()).in("--host-key"));
    auto key = parse_public_key(*text);
    if (!key) return fail(Errc::refused, "--host-key " + file + ": " + key.error().line());
    keys.push_back(*std::move(key));
  }
  return keys;
}

/// Everything that the command line says, read as the caller before anything is touched.
struct WantedBundle {
  NodeName node;
  BundleOs os = BundleOs::linux_;
  std::optional<PublicKey> own_key;
  std::vector<ForwardRequest> forwards;
  std::vector<std::string> from;
  std::optional<Endpoint> address;
  std::vector<PublicKey> host_keys;
  std::vector<TarFile> programs;
};

Result<WantedBundle> read_wanted(const BundleOptions& options) {
  auto node = typed_node(options.node);
  if (!node) return fail(node.error());
  WantedBundle wanted{.node = *std::move(node)};
  const auto os = parse_bundle_os(options.os);
  if (!os) {
    return fail(Errc::usage,
                "--os " + printable(options.os, 40) + ": expected linux, openwrt or macos");
  }
  wanted.os = *os;
  auto forwards = typed_forwards(options.rights);
  if (!forwards) return fail(forwards.error());
  wanted.forwards = *std::move(forwards);
  auto from = typed_ranges(options.rights);
  if (!from) return fail(from.error());
  wanted.from = *std::move(from);
  if (!options.address.empty()) {
    auto address = parse_address(options.address);
    if (!address) return fail(address.error());
    wanted.address = *std::move(address);
  }
  auto host_keys = read_named(options.host_keys);
  if (!host_keys) return fail(host_keys.error());
  wanted.host_keys = *std::move(host_keys);
  auto programs = read_programs(options.programs);
  if (!programs) return fail(programs.error());
  wanted.programs = *std::move(programs);
  if (!options.key.empty()) {
    auto key = read_key(options.key);
    if (!key) return fail(key.error());
    wanted.own_key = *std::move(key);
  }
  return wanted;
}

/// What is missing on the command line is in server.json or on this machine.
Result<void> complete(WantedBundle& wanted, const ServerPolicy& policy) {
  if (!wanted.address && !policy.servers.empty()) {
    if (auto address = parse_endpoint(policy.servers.front())) wanted.address = *address;
  }
  if (!wanted.address) {
    return fail(Errc::usage,
                "--address HOST[:PORT]: how does the node reach this server? (or name it in "
                "`servers` of server.json)");
  }
  if (wanted.host_keys.empty()) wanted.host_keys = own_host_keys(policy);
  for (const std::string& text : policy.next_host_keys) {
    if (auto key = parse_public_key(text)) wanted.host_keys.push_back(*std::move(key));
  }
  if (!wanted.host_keys.empty()) return {};
  return fail(Errc::not_found, "no host key of this server; name it with --host-key FILE");
}

/// A key for a node that is registered: beside its present one, which goes at the first login with this.
Result<NodeRecord> add_key(const Admin& admin, const NodeName& node, const PublicKey& key) {
  const auto lock = admin.state.lock_all(kAdminLockLimit);
  if (!lock) return fail(lock.error());
  const auto before = admin.state.load_node(node);
  if (!before) return fail(before.error());
  if (const auto taken = others_ports(admin.state, node, {key}); !taken) return fail(taken.error());
  const auto after = admit_next_key(*before, key);
  if (!after) return fail(after.error());
  const auto saved = save_with_lines(admin.state, *before, *after,
                                     {.lock_limit = kAdminLockLimit, .new_keys = {key}});
  if (!saved) return fail(saved.error());
  const Event event{
      .at = wall_now(), .kind = EventKind::changed, .reason = "a bundle's key may log in"};
  static_cast<void>(EventLog(admin.state, node).append(event));
  return *after;
}

Result<NodeRecord> let_in(const Admin& admin, const WantedBundle& wanted, const PublicKey& key,
                          bool replaces_key) {
  if (!admin.state.has_node(wanted.node)) {
    if (wanted.forwards.empty()) {
      return fail(Errc::usage, "is not registered yet; say what it exposes: --forward NAME[=PORT]");
    }
    return register_node(admin, {wanted.node, key, wanted.forwards, wanted.from});
  }
  if (!wanted.forwards.empty() || !wanted.from.empty()) {
    return fail(Errc::exists, "is registered; change its rights with `reversi-server node set`");
  }
  auto record = admin.state.load_node(wanted.node);
  if (!record) return record;
  const bool is_held = std::ranges::any_of(
      record->keys, [&](const PublicKey& held) { return is_same_key(held, key); });
  if (is_held) return record;
  if (replaces_key) return add_key(admin, wanted.node, key);
  return fail(Errc::exists,
              "is registered with another key; give that with --key, or have it replaced with "
              "--replace-key (it stays valid until the first login with the new one)");
}

Result<std::string> compress(const std::string& archive) {
  auto packed = run_command({"gzip", "-n", "-c"},
                            {.time = kGzipLimit, .most_bytes = kMostArchiveBytes}, archive);
  if (!packed) return fail(packed.error());
  if (!packed->is_ok()) return fail(Errc::io, "gzip: " + packed->why());
  if (packed->out.size() >= kMostArchiveBytes) return fail(Errc::io, "the bundle is too large");
  return std::move(packed->out);
}

void tell(const Output& output, const WantedBundle& wanted, bool has_private_key) {
  if (output.is_standard()) return;
  const std::string directory = "reversi-" + wanted.node.text();
  print("wrote " + output.path() +
        (has_private_key ? ", which has the node's only private key: remove it here afterwards\n"
                         : "\n") +
        "on the node, as root or as anybody: tar xzf " +
        std::filesystem::path(output.path()).filename().string() + " && sh " + directory +
        "/install.sh\n");
}

Result<ExitCode> node_bundle(const BundleOptions& options) {
  auto wanted = read_wanted(options);
  if (!wanted) return fail(wanted.error());
  const auto named = [&](const Error& error) {
    return fail(Error(error).in("node " + wanted->node.text()));
  };
  auto output = Output::open(options.out.empty() ? "reversi-" + wanted->node.text() + ".tar.gz"
                                                 : options.out);
  if (!output) return fail(output.error());
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  if (auto ok = complete(*wanted, admin->policy); !ok) return fail(ok.error());
  std::optional<KeyPair> pair;
  std::optional<PublicKey> key = wanted->own_key;
  if (!key) {
    auto made = make_key();
    if (!made) return named(made.error());
    auto parsed = parse_public_key(made->public_line);
    if (!parsed) return named(parsed.error());
    pair = *std::move(made);
    key = *std::move(parsed);
  }
  const auto record = let_in(*admin, *wanted, *key, options.replaces_key);
  if (!record) return named(record.error());
  const BundleContents contents{
      {record->node, *wanted->address, account_name(), wanted->host_keys, record->forwards},
      wanted->os,
      pair,
      std::move(wanted->programs)};
  const auto since_1970 =
      std::chrono::duration_cast<std::chrono::seconds>(wall_now().time_since_epoch());
  const auto written =
      tar_archive(bundle_files(contents), since_1970.count())
          .and_then(compress)
          .and_then([&](const std::string& packed) { return output->write(packed); });
  if (!written)
    return named(Error(written.error()).in("registered, but the bundle was not written"));
  tell(*output, *wanted, pair.has_value());
  return ExitCode::done;
}

}  // namespace

Run node_bundle_verb(Options& add) {
  auto options = std::make_shared<BundleOptions>();
  add.text("NAME", options->node, "Lower-case letters, digits and hyphens.", "", Need::required);
  add.text("--os", options->os, "What the node runs.", "linux|openwrt|macos", Need::required);
  add.list("--forward", options->rights.forwards,
           "Registers the node, if it is not yet. EXPECT: connect, banner=PREFIX or "
           "http[=PATH[,STATUS]].",
           "NAME[=PORT][:EXPECT]");
  add.list("--from", options->rights.ranges, "Addresses that may use the key.", "CIDR");
  add.text("--address", options->address,
           "How the node reaches this server; the first of `servers` in server.json by default.",
           "HOST[:PORT]");
  add.text("--key", options->key,
           "The node's own public key: then no private key is in the bundle.", "FILE|-");
  add.flag("--replace-key", options->replaces_key,
           "Of a registered node; its present key is valid until the first login with this one.");
  add.list("--binary", options->programs,
           "reversi-client and reversi-worker for the node; else it has them already.", "FILE");
  add.list("--host-key", options->host_keys,
           "This server's public host key, where it is not /etc/ssh/ssh_host_*_key.pub.", "FILE");
  add.text("--out", options->out, "reversi-NAME.tar.gz by default; - is standard output.",
           "FILE|-");
  add_state_dir_option(add, options->admin);
  add_authorized_keys_option(add, options->admin);
  return [options] { return node_bundle(*options); };
}

}  // namespace reversi::server

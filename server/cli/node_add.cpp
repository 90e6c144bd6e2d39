// node add NAME: key and ports in, an authorized_keys line and, with --address, all the node needs
// out.

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "common/io/files.h"
#include "server/cli/admin.h"
#include "server/cli/node_rights.h"
#include "server/cli/verbs.h"
#include "server/core/client_kit.h"
#include "server/io/event_log.h"

namespace reversi::server {
namespace {

constexpr std::size_t kMostKeyBytes = 64 * 1024;
constexpr const char* kSshDirectory = "/etc/ssh";

struct AddOptions {
  AdminOptions admin;
  std::string node;
  std::string key;
  TypedRights rights;
  std::string address;
  std::vector<std::string> host_keys;
  bool json = false;
};

std::vector<std::string> own_host_key_files() {
  std::vector<std::string> files;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(kSshDirectory, failed)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("ssh_host_") && name.ends_with("_key.pub")) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

Result<std::vector<PublicKey>> read_host_keys(const std::vector<std::string>& named) {
  std::vector<PublicKey> keys;
  for (const std::string& file : named.empty() ? own_host_key_files() : named) {
    const auto text = read_file(file, kMostKeyBytes);
    if (!text) return fail(Error(text.error()).in("host key"));
    auto key = parse_public_key(*text);
    // A DSA key that an old system left there is none that a client would take.
    if (!key && named.empty()) continue;
    if (!key) return fail(Errc::refused, "--host-key " + file + ": " + key.error().line());
    keys.push_back(*std::move(key));
  }
  if (!keys.empty()) return keys;
  return fail(Errc::not_found, std::string("no host key in ") + kSshDirectory +
                                   " (ssh_host_*_key.pub); name it with --host-key FILE");
}

std::string account_name() {
  const passwd* account = ::getpwuid(::geteuid());
  return account != nullptr ? account->pw_name : std::to_string(::geteuid());
}

/// Everything that the command line says, checked before anything is touched. Files are read as the
/// caller, who may be root and is not afterwards.
struct Wanted {
  NodeName node;
  PublicKey key;
  std::vector<ForwardRequest> forwards;
  std::vector<std::string> from;
  std::optional<Endpoint> address;
  std::vector<PublicKey> host_keys;
};

Result<Wanted> read_wanted(const AddOptions& options) {
  auto node = typed_node(options.node);
  if (!node) return fail(node.error());
  auto forwards = typed_forwards(options.rights);
  if (!forwards) return fail(forwards.error());
  auto from = typed_ranges(options.rights);
  if (!from) return fail(from.error());
  std::optional<Endpoint> address;
  std::vector<PublicKey> host_keys;
  if (!options.address.empty()) {
    auto parsed = parse_address(options.address);
    if (!parsed) return fail(parsed.error());
    auto keys = read_host_keys(options.host_keys);
    if (!keys) return fail(keys.error());
    address = *std::move(parsed);
    host_keys = *std::move(keys);
  }
  auto key = read_key(options.key);
  if (!key) return fail(key.error());
  return Wanted{*std::move(node), *std::move(key),    *std::move(forwards),
                *std::move(from), std::move(address), std::move(host_keys)};
}

Result<NodeRecord> add(const Admin& admin, const Wanted& wanted) {
  const auto lock = admin.state.lock_all(kAdminLockLimit);
  if (!lock) return fail(lock.error());
  if (admin.state.has_node(wanted.node)) {
    return fail(Errc::exists,
                "exists already; change it with `reversi-server node set`, or remove it first");
  }
  const auto taken = others_ports(admin.state, wanted.node, {wanted.key});
  if (!taken) return fail(taken.error());
  auto forwards = assign_ports(wanted.forwards, {}, *taken, admin.policy);
  if (!forwards) return fail(forwards.error());
  NodeRecord record{wanted.node, true, {wanted.key}, *std::move(forwards), wanted.from};
  const auto lines = lines_of(admin.state, record);
  if (!lines) return fail(lines.error());
  if (auto ok = admin.state.create_node(wanted.node); !ok) return fail(ok.error());
  auto done = admin.state.save_node(record).and_then(
      [&] { return install_lines(admin, wanted.node, *lines, {wanted.key}); });
  if (done) return record;
  static_cast<void>(admin.state.remove_node(wanted.node));
  return fail(done.error());
}

nlohmann::json strings(const std::vector<std::string>& lines) {
  return lines;
}

Result<ExitCode> node_add(const AddOptions& options) {
  const auto wanted = read_wanted(options);
  if (!wanted) return fail(wanted.error());
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  const auto record = add(*admin, *wanted);
  if (!record) return fail(Error(record.error()).in("node " + wanted->node.text()));
  Event event{.at = wall_now(), .kind = EventKind::changed, .reason = "added"};
  static_cast<void>(EventLog(admin->state, wanted->node).append(event));
  const auto lines = lines_of(admin->state, *record);
  if (!lines) return fail(lines.error());
  const ClientKit kit{record->node, wanted->address.value_or(Endpoint{}), account_name(),
                      wanted->host_keys, record->forwards};
  if (options.json) {
    nlohmann::json doc = node_to_json(*record);
    doc["authorized_keys"] = strings(*lines);
    if (wanted->address) {
      doc["known_hosts"] = known_hosts_text(kit);
      doc["client_json"] = client_config_text(kit);
    }
    print(json_text(doc));
    return ExitCode::done;
  }
  std::string text;
  for (const std::string& line : *lines) text += line + '\n';
  if (wanted->address) text += "\n# Paste this on the node, as root:\n" + node_script(kit);
  print(text);
  return ExitCode::done;
}

}  // namespace

Run node_add_verb(Options& add) {
  auto options = std::make_shared<AddOptions>();
  add.text("NAME", options->node, "Lower-case letters, digits and hyphens.", "", Need::required);
  add.text("--key", options->key, "The node's public key; - reads standard input.", "FILE|-",
           Need::required);
  add.list("--forward", options->rights.forwards,
           "A port for the node. EXPECT: connect, banner=PREFIX or http[=PATH[,STATUS]].",
           "NAME[=PORT][:EXPECT]", Need::required);
  add.list("--from", options->rights.ranges, "Addresses that may use the key.", "CIDR");
  add.text("--address", options->address,
           "How the node reaches this server; prints all that the node needs.", "HOST[:PORT]");
  add.list("--host-key", options->host_keys,
           "This server's public host key, where it is not /etc/ssh/ssh_host_*_key.pub.", "FILE");
  add.flag("--json", options->json, "Print one JSON document.");
  add_state_dir_option(add, options->admin);
  add_authorized_keys_option(add, options->admin);
  return [options] { return node_add(*options); };
}

}  // namespace reversi::server

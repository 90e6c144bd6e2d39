// node add NAME, node approve FINGERPRINT NAME: key and ports in, an authorized_keys line and, with
// --address, all the node needs out.

#include <memory>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/files.h"
#include "server/cli/admin.h"
#include "server/cli/node_rights.h"
#include "server/cli/registration.h"
#include "server/cli/verbs.h"
#include "server/core/client_kit.h"
#include "server/io/host_keys.h"
#include "server/io/node_lines.h"
#include "server/io/own_file.h"
#include "server/io/pending_dir.h"

namespace reversi::server {
namespace {

constexpr const char* kSshDirectory = "/etc/ssh";

struct AddOptions {
  AdminOptions admin;
  std::string node;
  std::string key;
  std::string fingerprint;  ///< node approve: of a key that knocked, instead of --key
  TypedRights rights;
  std::string address;
  std::vector<std::string> host_keys;
  bool json = false;
};

Result<std::vector<PublicKey>> read_host_keys(const std::vector<std::string>& named) {
  std::vector<PublicKey> keys;
  for (const std::string& file : named.empty() ? host_key_files(ServerPolicy{}) : named) {
    const auto text = read_file(file, kMostKeyFileBytes);
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

/// Everything that the command line says, checked before anything is touched. Files are read as the
/// caller, who may be root and is not afterwards.
struct WantedNode {
  NodeName node;
  PublicKey key;
  std::vector<ForwardRequest> forwards;
  std::vector<std::string> from;
  std::optional<Endpoint> address;
  std::vector<PublicKey> host_keys;
};

Result<WantedNode> read_wanted(const AddOptions& options) {
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
  // One that knocked is known only once the state directory is open.
  auto key = options.fingerprint.empty() ? read_key(options.key) : PublicKey{};
  if (!key) return fail(key.error());
  return WantedNode{*std::move(node), *std::move(key),    *std::move(forwards),
                    *std::move(from), std::move(address), std::move(host_keys)};
}

Result<void> take_pending_key(const Admin& admin, const AddOptions& options, WantedNode& wanted) {
  if (options.fingerprint.empty()) return {};
  auto entry = find_pending(list_pending(admin.state), options.fingerprint);
  if (!entry) return fail(entry.error());
  wanted.key = std::move(entry->key);
  wanted.key.comment = wanted.node.text();
  return {};
}

/// The first address that a node was told is how this server is reached, for `ssh-config` too.
void keep_address(const Admin& admin, const std::string& address) {
  if (address.empty() || !admin.policy.address.empty()) return;
  // A person's comments in server.json would be lost: whoever writes some writes this, too.
  const auto text = read_own_file(admin.state.path() + "/server.json");
  if (text && !parse_json(*text)) return;
  const auto lock = admin.state.lock_all(kAdminLockLimit);
  const auto saved = lock ? admin.state.save_policy_text(kAddressKey, address) : fail(lock.error());
  if (!saved) warn(saved.error().line());
}

nlohmann::json strings(const std::vector<std::string>& lines) {
  return lines;
}

Result<ExitCode> node_add(const AddOptions& options) {
  auto wanted = read_wanted(options);
  if (!wanted) return fail(wanted.error());
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  if (auto ok = take_pending_key(*admin, options, *wanted); !ok) return fail(ok.error());
  const auto record =
      register_node(*admin, {wanted->node, wanted->key, wanted->forwards, wanted->from});
  if (!record) return fail(Error(record.error()).in("node " + wanted->node.text()));
  keep_address(*admin, options.address);
  if (auto ok = remove_pending(admin->state, wanted->key); !ok) warn(ok.error().line());
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
  // With a script for the node the line is a comment, so that a person may paste all of it.
  if (wanted->address) text += "# Installed here, for sshd:\n";
  for (const std::string& line : *lines) text += (wanted->address ? "# " : "") + line + '\n';
  if (wanted->address) text += "\n# Paste this on the node, as root:\n" + node_script(kit);
  print(text);
  return ExitCode::done;
}

/// What both verbs take beside the key.
Run add_options(Options& add, const std::shared_ptr<AddOptions>& options) {
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

}  // namespace

Run node_add_verb(Options& add) {
  auto options = std::make_shared<AddOptions>();
  add.text("NAME", options->node, "Lower-case letters, digits and hyphens.", "", Need::required);
  add.text("--key", options->key, "The node's public key; - reads standard input.", "FILE|-",
           Need::required);
  return add_options(add, options);
}

Run node_approve_verb(Options& add) {
  auto options = std::make_shared<AddOptions>();
  add.text("FINGERPRINT", options->fingerprint,
           "Of a key that knocked, or enough of its beginning to be the only one.", "",
           Need::required);
  add.text("NAME", options->node, "Lower-case letters, digits and hyphens.", "", Need::required);
  return [options, run = add_options(add, options)]() -> Result<ExitCode> {
    if (!options->fingerprint.empty()) return run();
    return fail(Errc::usage, "an empty FINGERPRINT; `reversi-server node pending` lists them");
  };
}

}  // namespace reversi::server

// keys FINGERPRINT TYPE KEY: sshd's AuthorizedKeysCommand, asked at every login of the account. Its
// words come from whoever knocks; none is believed before it was parsed. Exit code 0 also for a key
// that is unknown: for sshd anything else is a broken command.

#include <signal.h>

#include <memory>

#include "common/io/clock.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"
#include "server/core/cidr.h"
#include "server/io/key_finder.h"
#include "server/io/last_refused.h"
#include "server/io/node_lines.h"
#include "server/io/pending_dir.h"

namespace reversi::server {
namespace {

struct KeysOptions {
  AdminOptions admin;
  std::string fingerprint;  ///< %f
  std::string type;         ///< %t
  std::string key;          ///< %k
  std::string connection;   ///< %C, where sshd has it
};

/// Nothing for a type that no node may have, such as a certificate: sshd goes on without us.
std::optional<PublicKey> offered_key(const KeysOptions& options) {
  auto key = parse_public_key(options.type + ' ' + options.key);
  if (!key || key->type != options.type || key->blob != options.key) return std::nullopt;
  return *std::move(key);
}

/// The client's address out of "203.0.113.7 50122 192.0.2.1 22".
std::optional<std::string> client_address(const std::string& connection) {
  const std::string address = connection.substr(0, connection.find(' '));
  if (address.find('/') != std::string::npos) return std::nullopt;
  if (auto parsed = parse_cidr(address)) return *std::move(parsed);
  return std::nullopt;
}

Result<ExitCode> answer(const StateDir& state, NodeRecord record, const PublicKey& key,
                        const std::optional<std::string>& address) {
  if (address && !record.from.empty() && is_in_ranges(*address, record.from) == false) {
    note_refused(state, record.node, *address, "from: the key may not be used from this address",
                 wall_now());
  }
  std::erase_if(record.keys, [&](const PublicKey& held) { return !is_same_key(held, key); });
  const auto lines = lines_of(state, record);
  if (!lines) return fail(lines.error());
  for (const std::string& line : *lines) print(line + '\n');
  return ExitCode::done;
}

Result<ExitCode> keys(const KeysOptions& options) {
  const auto key = offered_key(options);
  if (!key) return ExitCode::done;
  // FingerprintHash md5 makes it another one, which says nothing here.
  if (options.fingerprint.starts_with("SHA256:") &&
      options.fingerprint != to_fingerprint(digest_of(*key))) {
    return fail(Errc::usage,
                "the fingerprint is not the key's; sshd_config needs the words %f %t %k");
  }
  // sshd ends its process group when a login takes too long; half a file must not stay behind.
  ::signal(SIGTERM, SIG_IGN);
  const auto state = StateDir::open(options.admin.state_dir);
  if (!state) return fail(state.error());
  const auto address = client_address(options.connection);
  if (auto record = find_node_of_key(*state, *key, wall_now())) {
    return answer(*state, *std::move(record), *key, address);
  }
  const auto noted = note_knock(*state, *key, address, state->load_policy().policy, wall_now());
  static_cast<void>(noted);  // nobody to tell: it is refused anyhow
  return ExitCode::done;
}

}  // namespace

Run keys_verb(Options& add) {
  auto options = std::make_shared<KeysOptions>();
  add.text("FINGERPRINT", options->fingerprint, "%f of sshd_config.", "", Need::required);
  add.text("TYPE", options->type, "%t.", "", Need::required);
  add.text("KEY", options->key, "%k.", "", Need::required);
  add.text("CONNECTION", options->connection,
           "%C, where this sshd knows it: the address that knocks is noted.");
  add_state_dir_option(add, options->admin);
  return [options] { return keys(*options); };
}

}  // namespace reversi::server

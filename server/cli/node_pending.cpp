// node pending and node deny: keys that knocked. `node approve` is in node_add.cpp.

#include <memory>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "server/cli/admin.h"
#include "server/cli/verbs.h"
#include "server/io/pending_dir.h"

namespace reversi::server {
namespace {

struct PendingOptions {
  AdminOptions admin;
  std::string fingerprint;
  bool all = false;
  bool json = false;
};

Result<ExitCode> list(const PendingOptions& options) {
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  const auto entries = list_pending(admin->state);
  if (!options.json) {
    print(pending_text(entries, admin->policy, wall_now()));
    return ExitCode::done;
  }
  nlohmann::json docs = nlohmann::json::array();
  for (const PendingKey& entry : entries) {
    nlohmann::json doc = pending_to_json(entry);
    doc["fingerprint"] = to_fingerprint(digest_of(entry.key));
    docs.push_back(std::move(doc));
  }
  print(json_text(docs));
  return ExitCode::done;
}

Result<ExitCode> deny(const PendingOptions& options) {
  if (options.fingerprint.empty() != options.all) {
    return fail(Errc::usage, "give the FINGERPRINT of a pending key, or --all");
  }
  const auto admin = open_admin(options.admin);
  if (!admin) return fail(admin.error());
  auto entries = list_pending(admin->state);
  if (!options.all) {
    auto entry = find_pending(entries, options.fingerprint);
    if (!entry) return fail(entry.error());
    entries = {*std::move(entry)};
  }
  for (const PendingKey& entry : entries) {
    if (auto ok = remove_pending(admin->state, entry.key); !ok) return fail(ok.error());
  }
  return ExitCode::done;
}

}  // namespace

Run node_pending_verb(Options& add) {
  auto options = std::make_shared<PendingOptions>();
  add.flag("--json", options->json, "An array with one object a key.");
  add_state_dir_option(add, options->admin);
  return [options] { return list(*options); };
}

Run node_deny_verb(Options& add) {
  auto options = std::make_shared<PendingOptions>();
  add.text("FINGERPRINT", options->fingerprint, "Or enough of its beginning to be the only one.");
  add.flag("--all", options->all, "Every pending key.");
  add_state_dir_option(add, options->admin);
  return [options] { return deny(*options); };
}

}  // namespace reversi::server

#include "client/ssh/identities.h"

#include <optional>

#include "client/core/identity_files.h"
#include "client/ssh/keys.h"
#include "common/io/log.h"

namespace reversi {

Result<std::vector<Identity>> load_identities(const std::string& configured, bool leaves_out_next) {
  std::vector<Identity> identities;
  std::optional<Error> problem;
  for (const std::string& file : client::identity_files(configured)) {
    auto key = load_private_key(file);
    if (key) {
      identities.push_back({file, *std::move(key)});
    } else if (file == configured) {
      problem = key.error();
    } else if (key.error().code() != Errc::not_found) {
      log_warning(key.error().line());
    }
  }
  if (identities.empty()) return fail(*problem);
  const bool is_next = identities.front().file == client::next_identity(configured);
  if (leaves_out_next && is_next && identities.size() > 1) identities.erase(identities.begin());
  return identities;
}

}  // namespace reversi

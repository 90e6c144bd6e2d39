// Writes the server's manual pages and completion: server-manual TEMPLATES OUTPUT-DIRECTORY.

#include <cstdio>
#include <string>

#include "common/manual/completion.h"
#include "common/manual/template.h"
#include "server/cli/verbs.h"
#include "server/manual/policy_table.h"

namespace reversi::server {
namespace {

int write_all(const std::string& from, const std::string& to) {
  const Program& program = server_program();
  const auto keys = policy_key_table();
  for (const manual::ConfigKey& key : keys) {
    if (!key.type.empty() && !key.meaning.empty()) continue;
    std::fprintf(stderr,
                 "server/manual/policy_table.cpp: %s: a key without a sentence, or a sentence "
                 "without a key\n",
                 key.path.c_str());
    return 1;
  }
  const int codes[] = {
      manual::write_page(from + "/reversi-server.1.in", to + "/reversi-server.1",
                         {{"synopsis", manual::synopsis(program)},
                          {"verbs", manual::verbs(program)},
                          {"exit_codes", manual::exit_codes(/*with_worker=*/false)}}),
      manual::write_page(from + "/reversi-server.json.5.in", to + "/reversi-server.json.5",
                         {{"keys", manual::config_keys(keys)}}),
      manual::write_text(to + "/reversi-server", manual::bash_completion(program)),
      manual::write_text(to + "/_reversi-server", manual::zsh_completion(program)),
  };
  for (const int code : codes) {
    if (code != 0) return code;
  }
  return 0;
}

}  // namespace
}  // namespace reversi::server

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: server-manual TEMPLATES OUTPUT-DIRECTORY\n", stderr);
    return 2;
  }
  return reversi::server::write_all(argv[1], argv[2]);
}

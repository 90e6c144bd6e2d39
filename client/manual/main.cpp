// Writes the client's manual pages and completion: client-manual TEMPLATES OUTPUT-DIRECTORY.

#include <cstdio>
#include <string>

#include "client/cli/verbs.h"
#include "client/core/client_config_keys.h"
#include "client/manual/config_keys.h"
#include "common/manual/completion.h"
#include "common/manual/template.h"

namespace reversi::client {
namespace {

int write_all(const std::string& from, const std::string& to) {
  const Program& program = client_program();
  const auto keys = config_key_table();
  for (const std::string& line : manual::differences(keys, client_config_keys())) {
    std::fprintf(stderr, "client/manual/config_keys.cpp: %s\n", line.c_str());
    return 1;
  }
  const int codes[] = {
      manual::write_page(from + "/reversi-client.1.in", to + "/reversi-client.1",
                         {{"synopsis", manual::synopsis(program)},
                          {"verbs", manual::verbs(program)},
                          {"exit_codes", manual::exit_codes(/*with_worker=*/true)}}),
      manual::write_page(from + "/reversi-client.json.5.in", to + "/reversi-client.json.5",
                         {{"keys", manual::config_keys(keys)}}),
      manual::write_text(to + "/reversi-client", manual::bash_completion(program)),
      manual::write_text(to + "/_reversi-client", manual::zsh_completion(program)),
  };
  for (const int code : codes) {
    if (code != 0) return code;
  }
  return 0;
}

}  // namespace
}  // namespace reversi::client

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: client-manual TEMPLATES OUTPUT-DIRECTORY\n", stderr);
    return 2;
  }
  return reversi::client::write_all(argv[1], argv[2]);
}

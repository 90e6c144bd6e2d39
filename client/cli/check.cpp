#include <cstdio>

#include "client/cli/config_option.h"
#include "client/cli/verbs.h"
#include "client/io/client_state.h"
#include "client/io/config_file.h"

namespace reversi::client {
namespace {

std::string describe(const LoadedConfig& loaded) {
  const ClientConfig& config = loaded.config;
  std::string text = loaded.path + ": good\n";
  text += "node " + config.node + " would\n";
  for (const ServerConfig& server : config.servers) {
    text += "  log in to " + format_endpoint(server.endpoint) + " as " + server.user + "\n";
  }
  text += "    with the key " + config.identity_file + "\n";
  text += "    if its host key is in " + config.known_hosts_file + "\n";
  for (const ForwardConfig& forward : config.forwards) {
    const std::string listen =
        forward.listen ? format_endpoint(*forward.listen) : "the granted port";
    const std::string expect =
        forward.expect ? format_expect(*forward.expect) : "as the server says";
    text += "  lead " + listen + " to " + format_target(forward.target) + " as \"" + forward.name +
            "\", expecting " + expect + "\n";
  }
  if (config.canary) {
    text += "  listen for the canary of \"" + config.canary->forward + "\" on " +
            format_endpoint(config.canary->listen) + "\n";
  }
  text += "  keep its lock and socket in " + run_dir_of(config) + ", its state in " +
          config.state_dir + "\n";
  return text;
}

}  // namespace

Run check_verb(Options& add) {
  return [path = add_config_option(add)]() -> Result<ExitCode> {
    const auto loaded = load_config(*path);
    if (!loaded) return fail(loaded.error());
    std::fputs(describe(*loaded).c_str(), stdout);
    return ExitCode::done;
  };
}

}  // namespace reversi::client

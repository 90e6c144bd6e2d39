#include "client/cli/config_option.h"

#include "client/io/config_file.h"

namespace reversi::client {

std::shared_ptr<std::string> add_config_option(Options& add) {
  auto path = std::make_shared<std::string>(default_config_path());
  add.text("--config", *path,
           "Configuration file; default /etc/reversi/client.json for root, else "
           "$XDG_CONFIG_HOME/reversi/client.json.",
           "FILE");
  return path;
}

}  // namespace reversi::client

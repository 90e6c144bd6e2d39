#include "client/cli/config_option.h"

#include <CLI/CLI.hpp>

#include "client/io/config_file.h"

namespace reversi::client {

std::shared_ptr<std::string> add_config_option(CLI::App& app) {
  auto path = std::make_shared<std::string>(default_config_path());
  app.add_option("--config", *path,
                 "Configuration file; default /etc/reversi/client.json for root, else "
                 "$XDG_CONFIG_HOME/reversi/client.json.")
      ->type_name("FILE");
  return path;
}

}  // namespace reversi::client

#include "client/cli/config_option.h"
#include "client/cli/verbs.h"
#include "client/io/config_file.h"
#include "client/io/supervisor.h"

namespace reversi::client {

Run run_verb(CLI::App& app) {
  return [path = add_config_option(app)]() -> Result<ExitCode> {
    auto loaded = load_config_or_last_good(*path);
    if (!loaded) return fail(loaded.error());
    return run_supervisor(*std::move(loaded));
  };
}

}  // namespace reversi::client

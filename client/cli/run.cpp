#include "client/cli/config_option.h"
#include "client/cli/verbs.h"
#include "client/io/config_file.h"
#include "client/io/supervisor.h"

namespace reversi::client {

Run run_verb(Options& add) {
  return [path = add_config_option(add)]() -> Result<ExitCode> {
    auto loaded = load_config_or_last_good(*path);
    if (!loaded) return fail(loaded.error());
    return run_supervisor(*std::move(loaded));
  };
}

}  // namespace reversi::client

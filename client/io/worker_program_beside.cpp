// Beside this program, in ../libexec/reversi, or $REVERSI_WORKER.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "client/io/system.h"
#include "client/io/worker_program.h"

namespace reversi::client {

Result<WorkerProgram> find_worker() {
  std::vector<std::string> places;
  if (const auto own = executable_path()) {
    const auto directory = std::filesystem::path(*own).parent_path();
    places.push_back((directory / "reversi-worker").string());
    places.push_back((directory.parent_path() / "libexec/reversi/reversi-worker").string());
  }
  if (const char* named = std::getenv("REVERSI_WORKER")) places.emplace_back(named);
  std::string looked;
  for (const std::string& place : places) {
    if (::access(place.c_str(), X_OK) == 0) return WorkerProgram{place};
    looked += (looked.empty() ? "" : ", ") + place;
  }
  return fail(Errc::not_found, "no reversi-worker; looked for " + looked +
                                   "; install it there or set REVERSI_WORKER");
}

}  // namespace reversi::client

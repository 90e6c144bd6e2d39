#pragma once
// Where the doctor's facts come from: sshd, the account database, the files, /proc.

#include <string>
#include <vector>

#include "server/core/doctor.h"
#include "server/io/state_dir.h"

namespace reversi::server {

struct DoctorSources {
  std::string sshd;         ///< empty: in PATH and where distributions put it
  std::string sshd_config;  ///< empty: sshd's own
};

/// What only root may see, so it is asked before a root process becomes the directory's owner: sshd, the account (the
/// owner of the state directory) and its password field, and owner and mode of the directory.
/// @param state_dir  An existing directory.
[[nodiscard]] Result<DoctorFacts> gather_as_caller(const std::string& state_dir,
                                                   const DoctorSources& sources);

/// As sshd looks at a file: itself and its directories, up to the home if it is in there.
[[nodiscard]] std::vector<PathFacts> way_to(const std::string& file, const std::string& home);

/// The rest, as the owner.
void gather_as_owner(const StateDir& state, DoctorFacts& facts);

}  // namespace reversi::server

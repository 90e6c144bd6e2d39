#pragma once
// A tar archive in the ustar form (POSIX.1-1988), which every tar reads.

#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"

namespace reversi::server {

struct TarFile {
  std::string name;  ///< relative, at most 99 bytes
  int mode = 0644;
  std::string text;  ///< a name that ends in "/" is a directory and has none
};

/// @param time  Of every file, in seconds since 1970.
/// @errors  config  a name that is too long
[[nodiscard]] Result<std::string> tar_archive(const std::vector<TarFile>& files, std::int64_t time);

}  // namespace reversi::server

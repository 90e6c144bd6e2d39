#include "common/io/temporary_directory.h"

#include <stdlib.h>
#include <unistd.h>  // mkdtemp on macOS

#include <cerrno>
#include <filesystem>

#include "common/io/system_error.h"

namespace reversi {

Result<TemporaryDirectory> TemporaryDirectory::make(const std::string& name,
                                                    const std::vector<std::string>& parents) {
  Error problem{Errc::io, "no place for a temporary directory is named"};
  for (const std::string& parent : parents) {
    std::error_code error;
    const std::string place =
        parent.empty() ? std::filesystem::temp_directory_path(error).string() : parent;
    std::string path = (place.empty() ? "/tmp" : place) + "/" + name + ".XXXXXX";
    if (::mkdtemp(path.data()) != nullptr) return TemporaryDirectory(std::move(path));
    problem = errno_error(errno, "a temporary directory " + path);
  }
  return tl::unexpected<Error>(std::move(problem));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace reversi

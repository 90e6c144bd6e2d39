#include "common/io/system_error.h"

#include <cerrno>
#include <system_error>

namespace reversi {

std::string errno_text(int error_number) {
  return std::error_code(error_number, std::generic_category()).message();
}

Errc errc_of(int error_number) {
  switch (error_number) {
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::permission;
    case ENOENT:
    case ENOTDIR:
      return Errc::not_found;
    case EEXIST:
    case EADDRINUSE:
      return Errc::exists;
    case ECONNREFUSED:
      return Errc::refused;
    case ETIMEDOUT:
      return Errc::timeout;
    default:
      return Errc::io;
  }
}

Error errno_error(int error_number, std::string_view what) {
  return {errc_of(error_number), std::string(what) + ": " + errno_text(error_number)};
}

}  // namespace reversi

#pragma once
// Set up once by main; afterwards anybody logs.

#include <cstddef>
#include <string>

#include "common/core/error.h"

namespace reversi {

struct LogSettings {
  /// The system logger stands in for a standard error that is the null device, as it is below
  /// `ensure`: the log must not be lost.
  enum class To { standard_error, syslog, file };
  To to = To::standard_error;
  std::string file;  ///< To::file: rotated to one old file at max_bytes
  std::size_t max_bytes = 1024 * 1024;
  std::string level = "info";            ///< trace | debug | info | warning | error
  std::string ident = "reversi-client";  ///< syslog's name for us

  friend bool operator==(const LogSettings&, const LogSettings&) = default;
};

/// @errors  config  unknown level;  permission, io  the file cannot be opened
[[nodiscard]] Result<void> start_log(const LogSettings& settings);

// One line each; `text` goes through printable().
void log_debug(const std::string& text);
void log_info(const std::string& text);
void log_warning(const std::string& text);
void log_error(const std::string& text);

}  // namespace reversi

#pragma once
// errno as an Error.

#include <string>
#include <string_view>

#include "common/core/error.h"

namespace reversi {

/// The text of an errno value. Thread-safe, unlike strerror().
[[nodiscard]] std::string errno_text(int error_number);
/// Errc for an errno value: EACCES → permission, ENOENT → not_found, … everything else → io.
[[nodiscard]] Errc errc_of(int error_number);
/// "/etc/reversi/client.json: Permission denied" with the matching code.
[[nodiscard]] Error errno_error(int error_number, std::string_view what);

}  // namespace reversi

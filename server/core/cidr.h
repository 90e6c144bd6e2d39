#pragma once

#include <string>
#include <string_view>

#include "common/core/error.h"

namespace reversi::server {

/// An address range for the `from=` of a key: "192.0.2.0/24", "2001:db8::/32", or one address. sshd
/// refuses the whole key for a range with host bits set, so such a one is a mistake here already.
/// Returns the text in lower case.
[[nodiscard]] Result<std::string> parse_cidr(std::string_view text);

}  // namespace reversi::server

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"

namespace reversi::server {

/// An address range for the `from=` of a key: "192.0.2.0/24", "2001:db8::/32", or one address. sshd
/// refuses the whole key for a range with host bits set, so such a one is a mistake here already.
/// Returns the text in lower case.
[[nodiscard]] Result<std::string> parse_cidr(std::string_view text);

/// Whether sshd would let this address in by one of these ranges. Nothing where the text is no address.
[[nodiscard]] std::optional<bool> is_in_ranges(std::string_view address,
                                               const std::vector<std::string>& ranges);

}  // namespace reversi::server

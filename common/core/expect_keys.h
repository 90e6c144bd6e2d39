#pragma once

#include <string_view>
#include <vector>

namespace reversi {

/// Every key of an expectation that one kind or the other knows (expect.h). For the manual page.
[[nodiscard]] std::vector<std::string_view> expect_keys();

}  // namespace reversi

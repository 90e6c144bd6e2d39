#pragma once
// Bounds of max_buffered_mib, of the configuration.

#include <cstdint>

namespace reversi::client {

inline constexpr std::int64_t kLeastBufferedMib = 4;  // three of libssh's windows
inline constexpr std::int64_t kMostBufferedMib = 1024;
inline constexpr std::int64_t kDefaultBufferedMib = REVERSI_MAX_BUFFERED_MIB;  // meson_options.txt

}  // namespace reversi::client

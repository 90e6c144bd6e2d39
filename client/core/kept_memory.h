#pragma once
// What connections keep in memory, and which of them is ended when all together keep too much (ADR 16).

#include <cstddef>
#include <utility>

namespace reversi::client {

/// libssh's buffer of a channel has this many bytes once a full packet went through it. It grows when
/// its reader falls behind, and never gets smaller: what it once held is kept until the channel is gone.
inline constexpr std::size_t kUsualBufferBytes = 64 * 1024;

/// What a channel counts for whose libssh buffer held that much at most, and that keeps `own` bytes
/// outside of it. A channel that keeps no more than every other counts for nothing, and so is never ended for it.
[[nodiscard]] constexpr std::size_t kept_bytes(std::size_t most_in_library, std::size_t own) {
  return (most_in_library < kUsualBufferBytes ? 0 : most_in_library) + own;
}

struct Keeper {
  std::size_t bytes;  ///< kept_bytes()
  bool has_waiting;   ///< its reader has not taken all that there is
  bool rests;         ///< nothing has moved for a while
};

/// The greatest goes first: one whose reader has stopped; then one that is not in use and only keeps
/// what it once needed; last a reader that is slow. Among alike, the one that keeps most.
[[nodiscard]] constexpr std::pair<int, std::size_t> turn_to_end(const Keeper& keeper) {
  if (keeper.bytes == 0) return {-1, 0};
  if (!keeper.rests) return {0, keeper.bytes};
  return {keeper.has_waiting ? 2 : 1, keeper.bytes};
}

}  // namespace reversi::client

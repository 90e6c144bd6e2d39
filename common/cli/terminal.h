#pragma once
// What a descriptor's terminal can show.

#include <cstddef>

namespace reversi {

struct Terminal {
  bool is_tty = false;
  std::size_t columns = 80;
  std::size_t rows = 24;
  bool has_colour = false;  ///< a terminal that is not dumb, and NO_COLOR is not set
};

/// COLUMNS counts, where it is a number, before what the terminal says; without either it is 80.
[[nodiscard]] Terminal terminal_of(int fd);

}  // namespace reversi

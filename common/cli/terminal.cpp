#include "common/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace reversi {
namespace {

constexpr std::size_t kMostColumns = 1000;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : value;
}

std::size_t columns_variable() {
  const std::string_view text = variable("COLUMNS");
  std::size_t columns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
  return error == std::errc{} && end == text.data() + text.size() ? columns : 0;
}

}  // namespace

Terminal terminal_of(int fd) {
  Terminal terminal;
  terminal.is_tty = ::isatty(fd) != 0;
  winsize size{};
  if (terminal.is_tty && ::ioctl(fd, TIOCGWINSZ, &size) == 0) {
    if (size.ws_col > 0) terminal.columns = size.ws_col;
    if (size.ws_row > 0) terminal.rows = size.ws_row;
  }
  if (const std::size_t columns = columns_variable(); columns > 0) terminal.columns = columns;
  terminal.columns = std::min(terminal.columns, kMostColumns);
  // https://no-color.org: set and not empty.
  terminal.has_colour =
      terminal.is_tty && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
  return terminal;
}

}  // namespace reversi

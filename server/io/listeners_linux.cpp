#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

#include "server/io/listeners.h"

namespace reversi::server {
namespace {

constexpr std::string_view kListenState = "0A";  // TCP_LISTEN, net/tcp_states.h

/// The addresses of /proc/net/tcp6 that receive connections to ::1: "::" and "::1", four words each
/// in the machine's byte order, hence both spellings of the last word.
constexpr std::array<std::string_view, 3> kLocalhost6 = {"00000000000000000000000000000000",
                                                         "00000000000000000000000001000000",
                                                         "00000000000000000000000000000001"};
/// 0.0.0.0 and 127.0.0.1.
constexpr std::array<std::string_view, 3> kLocalhost4 = {"00000000", "0100007F", "7F000001"};

std::string_view next_word(std::string_view& line) {
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  const std::size_t end = std::min(line.find(' ', begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

template <class Number>
bool read_whole_number(std::string_view text, Number& out, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc{} && end == text.data() + text.size();
}

enum class Row { listener, connection, malformed };

/// One row: "sl local_address rem_address st tx_queue:rx_queue tr:tm retrnsmt uid timeout inode …".
Row parse_row(std::string_view line, Family family, Listener& out) {
  std::array<std::string_view, 10> words;
  for (auto& word : words) word = next_word(line);
  if (words[3] != kListenState) return words[3].empty() ? Row::malformed : Row::connection;
  const std::size_t colon = words[1].find(':');
  if (colon == std::string_view::npos) return Row::malformed;
  const std::string_view address = words[1].substr(0, colon);
  out.family = family;
  out.takes_localhost = family == Family::v4 ? std::ranges::count(kLocalhost4, address) > 0
                                             : std::ranges::count(kLocalhost6, address) > 0;
  const bool is_good = read_whole_number(words[1].substr(colon + 1), out.port, 16) &&
                       read_whole_number(words[7], out.uid, 10) &&
                       read_whole_number(words[9], out.inode, 10);
  return is_good ? Row::listener : Row::malformed;
}

}  // namespace

std::vector<Listener> parse_listeners(std::istream& table, Family family,
                                      const std::vector<Port>& ports) {
  std::vector<Listener> found;
  std::string line;
  std::getline(table, line);  // the heading
  while (std::getline(table, line)) {
    Listener listener;
    const Row row = parse_row(line, family, listener);
    if (row == Row::connection) break;
    if (row == Row::listener && std::ranges::count(ports, listener.port) > 0) {
      found.push_back(listener);
    }
  }
  return found;
}

Result<std::vector<Listener>> listeners_on(const std::vector<Port>& ports) {
  std::ifstream v4("/proc/net/tcp");
  if (!v4) return fail(Errc::io, "/proc/net/tcp cannot be read");
  std::vector<Listener> found = parse_listeners(v4, Family::v4, ports);
  std::ifstream v6("/proc/net/tcp6");  // absent where the kernel has no IPv6
  for (const Listener& listener : parse_listeners(v6, Family::v6, ports)) found.push_back(listener);
  return found;
}

}  // namespace reversi::server

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace reversi {

/// Cuts a byte stream into lines. Holds at most `limit` bytes of an unfinished line; once a line is
/// longer, is_overlong() is true for good and nothing more comes out: the peer is not speaking our
/// protocol. A NUL byte is data like any other; a "\r" before the "\n" is dropped.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t limit) : limit_(limit) {}

  /// Takes the next bytes. Call next() until it is empty before the next feed().
  void feed(std::string_view bytes);
  /// The next whole line without its end, or nothing. The view is valid until the next call.
  [[nodiscard]] std::optional<std::string_view> next();
  [[nodiscard]] bool is_overlong() const { return overlong_; }

 private:
  std::size_t limit_;
  std::string buffer_;
  std::size_t start_ = 0;    // of the unfinished line in buffer_
  std::size_t scanned_ = 0;  // no '\n' before this position
  bool overlong_ = false;
};

}  // namespace reversi

#pragma once
// Errors are values that become one line: `code` is for the program (retry or give up), the text is
// for people. Each layer that knows a name adds it once; only main, the log and status files print.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace reversi {

enum class Errc {
  usage,       ///< wrong command line
  config,      ///< a configuration or state file says something that cannot be
  not_found,   ///< the named thing does not exist
  exists,      ///< the named thing exists already, or is held by another
  permission,  ///< the system refuses: owner, mode, capability
  refused,     ///< the peer refused for a reason that a retry alone does not change
  protocol,    ///< bytes that no correct peer sends
  timeout,     ///< a limit passed
  io,          ///< the system or the network failed: retry
};

class [[nodiscard]] Error {
 public:
  Error(Errc code, std::string what) : code_(code), what_(std::move(what)) {}

  /// Adds one outer step. Call it once per layer that knows something a person would ask.
  Error in(std::string doing) && {
    doing_.push_back(std::move(doing));
    return std::move(*this);
  }
  [[nodiscard]] Errc code() const { return code_; }
  /// "node rpi7: listen on server port 2201: refused"; outermost step first, always one line.
  [[nodiscard]] std::string line() const;

 private:
  Errc code_;
  std::string what_;
  std::vector<std::string> doing_;  // innermost first
};

template <class T>
using Result = tl::expected<T, Error>;

/// `return fail({Errc::config, "…"});`
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}
inline tl::unexpected<Error> fail(Errc code, std::string what) {
  return fail(Error{code, std::move(what)});
}

/// Text from outside, made safe for one line of a log or terminal: control bytes, bytes that are
/// not UTF-8 and marks without width become "?", and what is longer than `limit` bytes ends in "…".
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 200);

}  // namespace reversi

#pragma once
// What a probe must hear before a service counts as healthy, and the machine that listens for it.
// No regular expression on purpose: std::regex crashes on hostile input (measured).

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"

namespace reversi {

struct Expect {
  enum class Kind { connect, banner, http };

  Kind kind = Kind::connect;
  std::string match;       ///< banner: literal prefix of the answer, 1–256 bytes
  std::string send;        ///< banner: sent first, 0–256 bytes
  std::string path = "/";  ///< http: starts with "/", 1–256 bytes, no space, no control
  int status = 200;        ///< http: 100–599

  friend bool operator==(const Expect&, const Expect&) = default;
};

/// {"kind": "banner", "match": "SSH-2.0-", "send": "…"} and the like. Unknown keys are errors.
[[nodiscard]] Result<Expect> expect_from_json(const nlohmann::json& doc);
[[nodiscard]] nlohmann::json expect_to_json(const Expect& expect);

/// The command line's spelling: "connect", "banner=PREFIX", "http[=PATH[,STATUS]]".
[[nodiscard]] Result<Expect> parse_expect(std::string_view text);
[[nodiscard]] std::string format_expect(const Expect& expect);

/// What the probe sends once it is connected and the path is proven; may be empty.
[[nodiscard]] std::string expect_request(const Expect& expect);

/// Judges an answer as it arrives. Holds at most 8 KiB.
class ExpectMatcher {
 public:
  enum class Step { more, match, mismatch };

  explicit ExpectMatcher(Expect expect) : expect_(std::move(expect)) {}

  /// Takes the next bytes of the answer. After match or mismatch the result stays.
  Step step(std::string_view bytes);
  /// The service closed the connection: what was only "more" until now is a mismatch.
  Step end();
  /// After a mismatch: what was wanted and what came, one line for people.
  [[nodiscard]] std::string mismatch_reason() const;

 private:
  Step judge();

  Expect expect_;
  std::string answer_;
  Step step_ = Step::more;
};

}  // namespace reversi

#pragma once
// JSON from outside never throws: value() throws on a wrong type, get<uint16_t>() wraps silently
// and dump() throws on bad UTF-8 (measured, nlohmann/json 3.11), so every document is read and
// written through this file.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/core/time.h"

namespace reversi {

using Json = nlohmann::json;

/// Parses one document. With `allow_comments`, `//` and `/* */` are skipped.
/// @errors  config  "line 7, column 3: expected ',' or '}'"
[[nodiscard]] Result<Json> parse_json(std::string_view text, bool allow_comments = false);

/// The same with comments, for documents that we wrote ourselves, indented, by the thousand: blanks
/// are taken out before the parser, which is slow on each byte, sees them.
[[nodiscard]] Result<Json> parse_own_json(const std::string& text);

/// One line, no newline. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_line(const Json& doc);
/// Indented by two, with a final newline: files that people read.
[[nodiscard]] std::string json_text(const Json& doc);

/// Reads the fields of one object, remembering the first mistake, so that a reader is a list of
/// fields and one done(). `need` is an error when the key is missing; `may` then leaves `out`
/// alone. A null counts as missing.
class Fields {
 public:
  /// Does not copy: `object` must outlive the reader. A value that is not an object is a mistake.
  explicit Fields(const Json& object);

  Fields& need(std::string_view key, std::string& out, std::size_t most_bytes);
  Fields& may(std::string_view key, std::string& out, std::size_t most_bytes);
  Fields& may(std::string_view key, std::optional<std::string>& out, std::size_t most_bytes);
  Fields& need(std::string_view key, bool& out);
  Fields& may(std::string_view key, bool& out);
  Fields& need(std::string_view key, std::int64_t& out, std::int64_t least, std::int64_t most);
  Fields& may(std::string_view key, std::int64_t& out, std::int64_t least, std::int64_t most);
  Fields& need(std::string_view key, Millis& out, Millis least, Millis most);
  Fields& may(std::string_view key, Millis& out, Millis least, Millis most);
  /// A list of texts.
  Fields& may(std::string_view key, std::vector<std::string>& out, std::size_t most_items,
              std::size_t most_bytes);
  Fields& need(std::string_view key, WallTime& out);
  Fields& may(std::string_view key, std::optional<WallTime>& out);

  /// The value of a key that holds an object or a list, or nullptr when missing. The caller reads
  /// it.
  [[nodiscard]] const Json* find(std::string_view key) const;
  /// The items of a list of at most `most`; an empty list when missing. A wrong type is a mistake.
  [[nodiscard]] std::vector<const Json*> items(std::string_view key, std::size_t most);

  /// Notes a mistake in what the caller itself read: "retry: not a colour".
  void mistake(std::string_view key, std::string what);
  [[nodiscard]] bool is_good() const { return !error_; }
  /// The first mistake, with the key in front, or nothing wrong.
  [[nodiscard]] Result<void> done() const;

 private:
  const Json* lookup(std::string_view key, bool needed);

  const Json* object_;
  std::optional<Error> error_;
};

}  // namespace reversi

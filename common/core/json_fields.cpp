#include "common/core/json_fields.h"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

namespace reversi {
namespace {

/// Takes the position and the cause out of nlohmann's own message:
/// "[json.exception.parse_error.101] parse error at line 7, column 3: syntax error while …;
/// expected x"
std::string shorten(std::string_view what) {
  const std::size_t line = what.find("line ");
  if (line == std::string_view::npos) return std::string(what);
  std::string_view rest = what.substr(line);
  const std::size_t colon = rest.find(": ");
  if (colon == std::string_view::npos) return std::string(rest);
  const std::string position(rest.substr(0, colon));
  std::string_view cause = rest.substr(colon + 2);
  if (const auto dash = cause.find(" - "); dash != std::string_view::npos) {
    cause = cause.substr(dash + 3);
  }
  return position + ": " + std::string(cause);
}

/// Takes any document, and keeps what is wrong with it: without an exception nlohmann tells nobody else.
struct Mistake {
  std::string text;

  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(Json::number_integer_t) { return true; }
  bool number_unsigned(Json::number_unsigned_t) { return true; }
  bool number_float(Json::number_float_t, const std::string&) { return true; }
  bool string(std::string&) { return true; }
  bool binary(Json::binary_t&) { return true; }
  bool start_object(std::size_t) { return true; }
  bool key(std::string&) { return true; }
  bool end_object() { return true; }
  bool start_array(std::size_t) { return true; }
  bool end_array() { return true; }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) {
    text = error.what();
    return false;
  }
};

Result<std::int64_t> integer_of(const Json& value, std::int64_t least, std::int64_t most) {
  const auto bad = [&] {
    return fail(Errc::config, "expected a whole number from " + std::to_string(least) + " to " +
                                  std::to_string(most));
  };
  if (!value.is_number_integer()) return bad();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(kMost)) {
    return bad();
  }
  const auto number = value.get<std::int64_t>();
  if (number < least || number > most) return bad();
  return number;
}

Result<std::string> text_of(const Json& value, std::size_t most_bytes) {
  if (!value.is_string()) return fail(Errc::config, "expected a text");
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() <= most_bytes) return text;
  return fail(Errc::config, "expected at most " + std::to_string(most_bytes) + " bytes");
}

Result<WallTime> time_of(const Json& value) {
  if (value.is_string()) {
    if (const auto time = parse_rfc3339(value.get_ref<const std::string&>())) return *time;
  }
  return fail(Errc::config, "expected a time like 2026-11-20T14:02:07.123Z");
}

}  // namespace

Result<Json> parse_json(std::string_view text, bool allow_comments) {
  Json doc =
      Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false, allow_comments);
  if (!doc.is_discarded()) return doc;
  Mistake mistake;
  Json::sax_parse(text.begin(), text.end(), &mistake, Json::input_format_t::json,
                  /*strict=*/true, allow_comments);
  return fail(Errc::config, printable(shorten(mistake.text), 300));
}

Result<Json> parse_own_json(const std::string& text) {
  std::string dense;
  dense.reserve(text.size());
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text && c == '\\' && i + 1 < text.size()) {
      dense += c;
      dense += text[++i];
      continue;
    }
    if (c == '"') in_text = !in_text;
    // Never between two values: "1 2" must not become "12".
    const bool is_idle =
        !in_text && (c == ' ' || c == '\n') &&
        (dense.empty() || std::string_view("{[,: \n").find(dense.back()) != std::string_view::npos);
    if (!is_idle) dense += c;
  }
  Json doc = Json::parse(dense, nullptr, /*allow_exceptions=*/false);
  // What is wrong and where, or that it is only a comment, the text as it is must tell.
  return doc.is_discarded() ? parse_json(text, /*allow_comments=*/true) : doc;
}

std::string json_line(const Json& doc) {
  return doc.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_text(const Json& doc) {
  return doc.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

Fields::Fields(const Json& object) : object_(&object) {
  if (!object.is_object()) error_ = Error{Errc::config, "expected an object"};
}

const Json* Fields::find(std::string_view key) const {
  if (!object_->is_object()) return nullptr;
  const auto found = object_->find(key);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

const Json* Fields::lookup(std::string_view key, bool needed) {
  if (error_) return nullptr;
  const Json* value = find(key);
  if (value == nullptr && needed) mistake(key, "missing");
  return value;
}

void Fields::mistake(std::string_view key, std::string what) {
  if (!error_) error_ = Error{Errc::config, std::move(what)}.in(std::string(key));
}

Result<void> Fields::done() const {
  if (error_) return fail(*error_);
  return {};
}

Fields& Fields::need(std::string_view key, std::string& out, std::size_t most_bytes) {
  lookup(key, true);
  return may(key, out, most_bytes);
}

Fields& Fields::may(std::string_view key, std::string& out, std::size_t most_bytes) {
  if (const Json* value = lookup(key, false)) {
    auto text = text_of(*value, most_bytes);
    text ? void(out = *std::move(text)) : mistake(key, text.error().line());
  }
  return *this;
}

Fields& Fields::may(std::string_view key, std::optional<std::string>& out, std::size_t most_bytes) {
  if (const Json* value = lookup(key, false)) {
    auto text = text_of(*value, most_bytes);
    text ? void(out = *std::move(text)) : mistake(key, text.error().line());
  }
  return *this;
}

Fields& Fields::need(std::string_view key, bool& out) {
  lookup(key, true);
  return may(key, out);
}

Fields& Fields::may(std::string_view key, bool& out) {
  if (const Json* value = lookup(key, false)) {
    value->is_boolean() ? void(out = value->get<bool>()) : mistake(key, "expected true or false");
  }
  return *this;
}

Fields& Fields::need(std::string_view key, std::int64_t& out, std::int64_t least,
                     std::int64_t most) {
  lookup(key, true);
  return may(key, out, least, most);
}

Fields& Fields::may(std::string_view key, std::int64_t& out, std::int64_t least,
                    std::int64_t most) {
  if (const Json* value = lookup(key, false)) {
    const auto number = integer_of(*value, least, most);
    number ? void(out = *number) : mistake(key, number.error().line());
  }
  return *this;
}

Fields& Fields::need(std::string_view key, Millis& out, Millis least, Millis most) {
  lookup(key, true);
  return may(key, out, least, most);
}

Fields& Fields::may(std::string_view key, Millis& out, Millis least, Millis most) {
  std::int64_t number = out.count();
  may(key, number, least.count(), most.count());
  out = Millis{number};
  return *this;
}

Fields& Fields::may(std::string_view key, std::vector<std::string>& out, std::size_t most_items,
                    std::size_t most_bytes) {
  std::vector<std::string> texts;
  const bool present = find(key) != nullptr;
  for (const Json* item : items(key, most_items)) {
    auto text = text_of(*item, most_bytes);
    text ? texts.push_back(*std::move(text)) : mistake(key, text.error().line());
  }
  if (present && is_good()) out = std::move(texts);
  return *this;
}

Fields& Fields::need(std::string_view key, WallTime& out) {
  if (const Json* value = lookup(key, true)) {
    const auto time = time_of(*value);
    time ? void(out = *time) : mistake(key, time.error().line());
  }
  return *this;
}

Fields& Fields::may(std::string_view key, std::optional<WallTime>& out) {
  if (const Json* value = lookup(key, false)) {
    const auto time = time_of(*value);
    time ? void(out = *time) : mistake(key, time.error().line());
  }
  return *this;
}

std::vector<const Json*> Fields::items(std::string_view key, std::size_t most) {
  std::vector<const Json*> found;
  const Json* list = lookup(key, false);
  if (list == nullptr) return found;
  if (!list->is_array() || list->size() > most) {
    mistake(key, "expected a list of at most " + std::to_string(most) + " items");
    return found;
  }
  for (const Json& item : *list) found.push_back(&item);
  return found;
}

}  // namespace reversi

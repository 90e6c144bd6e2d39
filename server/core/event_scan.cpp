#include "server/core/event_scan.h"

#include <charconv>

namespace reversi::server {
namespace {

/// A value of the object: a text, or a number if `is_number`.
struct Value {
  std::string_view text;
  std::int64_t number = 0;
  bool is_number = false;
};

class Scanner {
 public:
  explicit Scanner(std::string_view line) : rest_(line) {}

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  std::optional<std::string_view> text() {
    if (!take('"')) return std::nullopt;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (c == '"') {
        const std::string_view found = rest_.substr(0, i);
        rest_.remove_prefix(i + 1);
        return found;
      }
      if (c < 0x20 || c >= 0x7F || c == '\\') return std::nullopt;
    }
    return std::nullopt;
  }

  std::optional<Value> value() {
    if (rest_.starts_with('"')) {
      const auto found = text();
      return found ? std::optional<Value>({*found, 0, false}) : std::nullopt;
    }
    constexpr std::size_t kMostDigits = 15;
    std::size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') ++digits;
    const bool is_odd = digits > 1 && rest_.front() == '0';
    if (digits == 0 || digits > kMostDigits || is_odd) return std::nullopt;
    Value found{{}, 0, true};
    std::from_chars(rest_.data(), rest_.data() + digits, found.number);
    rest_.remove_prefix(digits);
    return found;
  }

 private:
  std::string_view rest_;
};

struct TextKey {
  std::string_view name;
  std::string Event::*field;
};
constexpr TextKey kTexts[] = {{"session", &Event::session},
                              {"reason", &Event::reason},
                              {"address", &Event::address},
                              {"machine", &Event::machine},
                              {"forward", &Event::forward}};
struct DurationKey {
  std::string_view name;
  std::optional<Millis> Event::*field;
};
constexpr DurationKey kDurations[] = {{"was_down_ms", &Event::was_down},
                                      {"was_up_ms", &Event::was_up}};

constexpr std::size_t kMostScannedText = 300;  // the least bound of decode_event()
constexpr std::int64_t kMostDuration = 3'000'000'000'000;

/// False: not one of the plain fields.
bool take_plain_field(Event& event, std::string_view key, const Value& value, bool& has_at,
                      bool& has_kind) {
  if (value.is_number) {
    for (const DurationKey& duration : kDurations) {
      if (duration.name != key || value.number > kMostDuration) continue;
      event.*duration.field = Millis{value.number};
      return true;
    }
    return false;
  }
  if (value.text.size() > kMostScannedText) return false;
  for (const TextKey& text : kTexts) {
    if (text.name != key) continue;
    event.*text.field = value.text;
    return true;
  }
  if (key == "at") {
    const auto at = parse_rfc3339(value.text);
    if (at) event.at = *at;
    has_at = at.has_value();
    return has_at;
  }
  if (key == "event") {
    event.kind = parse_event_kind(value.text);
    has_kind = true;
    return true;
  }
  if (key == "verdict" && !value.text.empty()) {
    event.verdict = parse_verdict(value.text).value_or(Verdict::unknown);
    return true;
  }
  return false;
}

}  // namespace

std::optional<Event> scan_event(std::string_view line) {
  if (line.size() > kMaxEventBytes) return std::nullopt;
  Scanner scanner(line);
  Event event;
  bool has_at = false;
  bool has_kind = false;
  if (!scanner.take('{')) return std::nullopt;
  do {
    const auto key = scanner.text();
    if (!key || !scanner.take(':')) return std::nullopt;
    const auto value = scanner.value();
    if (!value || !take_plain_field(event, *key, *value, has_at, has_kind)) return std::nullopt;
  } while (scanner.take(','));
  const bool is_whole = scanner.take('}') && scanner.at_end() && has_at && has_kind;
  return is_whole ? std::optional(std::move(event)) : std::nullopt;
}

}  // namespace reversi::server

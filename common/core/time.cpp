#include "common/core/time.h"

#include <algorithm>

namespace reversi {
namespace {

/// The last `width` digits of a number, with zeros in front.
template <class Number>
void put_digits(char* at, Number number, int width) {
  for (int i = width - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

/// Reads exactly `width` digits at `at`, or nothing.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, width)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

void append_rfc3339(std::string& out, WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  char text[] = "0000-00-00T00:00:00.000Z";
  put_digits(text, std::clamp(static_cast<int>(date.year()), 0, 9999), 4);
  put_digits(text + 5, static_cast<unsigned>(date.month()), 2);
  put_digits(text + 8, static_cast<unsigned>(date.day()), 2);
  put_digits(text + 11, clock.hours().count(), 2);
  put_digits(text + 14, clock.minutes().count(), 2);
  put_digits(text + 17, clock.seconds().count(), 2);
  put_digits(text + 20, clock.subseconds().count(), 3);
  out.append(text, sizeof text - 1);
}

std::string format_rfc3339(WallTime time) {
  std::string text;
  append_rfc3339(text, time);
  return text;
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  // 2026-11-20T14:02:07[.123]Z
  constexpr std::size_t kSeconds = 19;
  if (text.size() < kSeconds + 1 || text.back() != 'Z') return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  Millis fraction{0};
  const std::string_view rest = text.substr(kSeconds, text.size() - kSeconds - 1);
  if (!rest.empty()) {
    if (rest.front() != '.' || rest.size() < 2 || rest.size() > 10) return std::nullopt;
    int scale = 100;
    for (const char c : rest.substr(1)) {
      if (c < '0' || c > '9') return std::nullopt;
      fraction += Millis{(c - '0') * scale};
      scale /= 10;
    }
  }
  return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second} + fraction;
}

}  // namespace reversi

#include "server/core/availability.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "server_builders.h"

namespace reversi::server {
namespace {

using testing::at;
constexpr std::int64_t kHour = 3600;

Event of(const char* session, Event event) {
  event.session = session;
  return event;
}
Event up(std::int64_t hours) {
  return {.at = at(hours * kHour), .kind = EventKind::up};
}
Event down(std::int64_t hours, std::optional<Millis> was_up = {}) {
  return {.at = at(hours * kHour), .kind = EventKind::down, .was_up = was_up};
}
Event verdict(std::int64_t hours, std::string forward, Verdict verdict) {
  return {.at = at(hours * kHour),
          .kind = EventKind::verdict,
          .forward = std::move(forward),
          .verdict = verdict};
}
Event changed(std::int64_t hours, std::string what) {
  return {.at = at(hours * kHour), .kind = EventKind::changed, .reason = std::move(what)};
}

struct AvailabilityRow {
  const char* what;
  std::vector<Event> events;
  std::int64_t now;                    ///< hours
  std::optional<std::int64_t> silent;  ///< hours
  std::int64_t known;                  ///< hours of the last 24, of ssh
  std::int64_t available;
};

TEST(Availability, IsWhatTheLogTells) {
  const AvailabilityRow rows[] = {
      {"nothing", {}, 10, {}, 0, 0},
      {"added, never seen", {changed(0, "added")}, 10, {}, 0, 0},
      {"up all the time", {up(0)}, 10, {}, 10, 10},
      {"up for days: the window is full", {up(0)}, 100, {}, 24, 24},
      {"down for an hour", {up(0), down(4), up(5)}, 10, {}, 10, 9},
      {"down now", {up(0), down(4)}, 10, 4, 10, 4},
      {"another forward's fault is not its own",
       {up(0), verdict(2, "web", Verdict::hung)},
       10,
       {},
       10,
       10},
      {"a service that was down",
       {up(0), verdict(2, "ssh", Verdict::service_down), verdict(5, "ssh", Verdict::healthy)},
       10,
       {},
       10,
       7},
      {"degraded from the first: only its own verdict counts",
       {verdict(0, "web", Verdict::service_down), verdict(0, "ssh", Verdict::slow)},
       10,
       {},
       10,
       10},
      {"killed, found out late: the end was when it was last up",
       {up(0), down(9, Millis{4 * kHour * 1000})},
       10,
       4,
       10,
       4},
      {"killed, not yet written: silent since", {up(0)}, 10, 6, 10, 6},
      {"ended without a word: the time to the next session is not known",
       {of("s1", verdict(1, "ssh", Verdict::healthy)), of("s2", up(5))},
       10,
       {},
       5,
       5},
      {"the same session goes on",
       {of("s1", verdict(1, "ssh", Verdict::healthy)), of("s1", up(5))},
       10,
       {},
       9,
       9},
      {"disabled does not count",
       {up(0), changed(4, "disabled"), down(4), changed(8, "enabled"), up(8)},
       10,
       {},
       6,
       6},
      {"enabled again it does",
       {up(0), changed(4, "disabled"), down(4), changed(8, "enabled"), up(8), down(9)},
       10,
       {},
       6,
       5},
      {"a clock that was set back counts nothing twice", {up(5), down(3), up(4)}, 10, {}, 5, 5},
      {"a future event ends now", {up(0), down(50)}, 10, {}, 10, 10},
  };
  for (const AvailabilityRow& row : rows) {
    const auto silent = row.silent ? std::optional(at(*row.silent * kHour)) : std::nullopt;
    const auto result = judge_availability(row.events, {"ssh"}, silent, at(row.now * kHour));
    ASSERT_EQ(result.size(), 1U);
    const Availability& day = result[0].windows[0];
    EXPECT_EQ(day.known, Millis{row.known * kHour * 1000}) << row.what;
    EXPECT_EQ(day.available, Millis{row.available * kHour * 1000}) << row.what;
    EXPECT_EQ(day.since.has_value(), row.known > 0) << row.what;
  }
}

TEST(Availability, SaysWhereTheRecordBegins) {
  const auto now = at(100 * kHour);
  const auto fresh = judge_availability({up(24), down(60), up(63)}, {"ssh"}, {}, now);
  EXPECT_EQ(format_availability(fresh[0], now), "24 h 100.00 %, 30 d 96.05 % (since 3 d 4 h)");
  const auto none = judge_availability({}, {"ssh"}, {}, now);
  EXPECT_EQ(format_availability(none[0], now), "no record");
  const auto old = judge_availability({up(-24 * 40)}, {"ssh"}, {}, now);
  EXPECT_EQ(format_availability(old[0], now), "24 h 100.00 %, 30 d 100.00 %");
}

TEST(Availability, AHundredPercentIsNeverRoundedUpTo) {
  const Availability nearly{.known = Millis{1'000'000'000}, .available = Millis{999'999'999}};
  EXPECT_EQ(basis_points(nearly), 9999);
  const Availability all{.known = Millis{5}, .available = Millis{5}};
  EXPECT_EQ(basis_points(all), 10'000);
  EXPECT_EQ(basis_points({}), std::nullopt);
}

TEST(Availability, JsonHasItsUnitsInItsKeys) {
  const auto result = judge_availability({up(0), down(1)}, {"ssh"}, {}, at(2 * kHour));
  EXPECT_EQ(availability_to_json(result[0])["windows"][0],
            (nlohmann::json{{"window_ms", 86'400'000},
                            {"known_ms", 7'200'000},
                            {"available_ms", 3'600'000},
                            {"percent", 50.0},
                            {"since", "2026-11-20T00:00:00.000Z"}}));
}

}  // namespace
}  // namespace reversi::server

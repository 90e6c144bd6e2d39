#include "server/core/policy.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"

namespace reversi::server {
namespace {

std::vector<std::string> ignored;

TEST(ServerPolicy, AnEmptyFileMeansTheDefaults) {
  EXPECT_EQ(policy_from_json(Json::object(), ignored).value(), ServerPolicy{});
}

TEST(ServerPolicy, EveryKeyIsReadAndUnknownOnesAreNamed) {
  std::vector<std::string> unknown;
  const auto policy = policy_from_json({{"schema", 1},
                                        {"heartbeat_ms", 1000},
                                        {"dead_after_heartbeats", 5},
                                        {"port_last", 20003},
                                        {"authorized_keys", "/k"},
                                        {"servers", {"a.example.org:22"}},
                                        {"hartbeat_ms", 1}},
                                       unknown);
  ASSERT_TRUE(policy) << policy.error().line();
  EXPECT_EQ(policy->heartbeat, Millis{1000});
  EXPECT_EQ(policy->dead_after_heartbeats, 5);
  EXPECT_EQ(policy->port_last, 20003);
  EXPECT_EQ(policy->authorized_keys, "/k");
  EXPECT_EQ(unknown, std::vector<std::string>{"hartbeat_ms"});
}

TEST(ServerPolicy, AValueThatCannotBeIsAMistake) {
  const Json rows[] = {
      {{"heartbeat_ms", 0}},          {{"heartbeat_ms", "15"}},     {{"heartbeat_ms", 1e12}},
      {{"port_first", 1023}},         {{"port_last", 70000}},       {{"port_first", 30000}},
      {{"retry_first_ms", 90000}},    {{"authorized_keys", "rel"}}, {{"servers", {"no port"}}},
      {{"dead_after_heartbeats", 0}}, {{"servers", "a:22"}},
  };
  for (const Json& row : rows) {
    const auto policy = policy_from_json(row, ignored);
    EXPECT_FALSE(policy) << row;
  }
  EXPECT_FALSE(policy_from_json(Json::array(), ignored));
}

TEST(ServerPolicy, AuthorizedKeysIsSetBesideWhateverElseIsThere) {
  Json doc{{"heartbeat_ms", 1000}, {"of the future", 1}};
  set_policy_text(doc, kAuthorizedKeysKey, "/a/b");
  EXPECT_EQ(doc["authorized_keys"], "/a/b");
  EXPECT_EQ(doc["of the future"], 1);
  set_policy_text(doc, kAuthorizedKeysKey, "");
  EXPECT_FALSE(doc.contains("authorized_keys"));
}

TEST(SessionPolicy, AFleetIsSpreadTenMillisecondsANodeAndOneNodeNotAtAll) {
  EXPECT_EQ(session_policy({}, false, 0).spread, Millis{0});
  EXPECT_EQ(session_policy({}, false, 1).spread, Millis{0});
  EXPECT_EQ(session_policy({}, false, 2).spread, Millis{20});
  EXPECT_EQ(session_policy({}, false, 500).spread, Millis{5000});
}

TEST(SessionPolicy, AMeteredNodeSpeaksLess) {
  const SessionPolicy metered = session_policy({}, true, 1);
  EXPECT_EQ(metered.heartbeat, Millis{60'000});
  EXPECT_EQ(metered.check, Millis{600'000});
  EXPECT_GE(metered.check_healthy, metered.check);
  EXPECT_EQ(metered.dead_after, Millis{180'000});
  EXPECT_EQ(session_policy({}, false, 1).dead_after, Millis{45'000});
}

TEST(SessionPolicy, WhateverAValidServerJsonSaysTheClientTakesIt) {
  const std::int64_t day = 24 * 3600 * 1000;
  const Json rows[] = {
      {{"heartbeat_ms", 100}, {"check_ms", 100}, {"check_healthy_ms", 100}},
      {{"heartbeat_ms", day}, {"dead_after_heartbeats", 100}, {"spread_per_node_ms", day}},
      {{"heartbeat_ms", 100}, {"dead_after_heartbeats", 1}, {"metered_heartbeat_ms", 100}},
      {{"retry_first_ms", 10}, {"retry_longest_ms", 10}, {"metered_check_ms", 100}},
  };
  for (const Json& row : rows) {
    const auto policy = policy_from_json(row, ignored);
    ASSERT_TRUE(policy) << row;
    for (const bool metered : {false, true}) {
      const SessionPolicy session = session_policy(*policy, metered, 2000);
      const auto taken = session_policy_from_json(session_policy_to_json(session));
      ASSERT_TRUE(taken) << row << taken.error().line();
      EXPECT_EQ(*taken, session);
    }
  }
}

TEST(BusyRetry, AFleetThatIsTurnedAwayComesAgainSpreadOverItsSpread) {
  Millis least{1'000'000};
  Millis most{0};
  for (int i = 0; i < 300; ++i) {
    const Millis retry = busy_retry({}, 300, "run" + std::to_string(i));
    least = std::min(least, retry);
    most = std::max(most, retry);
  }
  EXPECT_GE(least, Millis{1000});
  EXPECT_LT(least, Millis{1200});
  EXPECT_GT(most, Millis{3800});
  EXPECT_LT(most, Millis{4000});
  EXPECT_LE(busy_retry({}, 1, "alone"), Millis{2000});
}

}  // namespace
}  // namespace reversi::server

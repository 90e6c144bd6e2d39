#include "server/manual/policy_table.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "server/core/policy.h"

namespace reversi::server {
namespace {

TEST(PolicyTable, EveryKeyHasASentenceAndEverySentenceAKey) {
  for (const auto& key : policy_key_table()) {
    EXPECT_FALSE(key.type.empty()) << key.path << ": no key of server.json";
    EXPECT_NE(key.type, "other") << key.path;
    EXPECT_TRUE(key.meaning.ends_with('.') || key.meaning.ends_with('1'))
        << key.path << ": " << key.meaning;
  }
}

TEST(PolicyTable, EveryKeyIsReadAndItsBoundsHold) {
  for (const auto& key : policy_key_table()) {
    std::vector<std::string> unknown;
    nlohmann::json doc{
        {key.path, key.most > 0 ? nlohmann::json(std::stoll(key.fallback)) : nlohmann::json()}};
    EXPECT_EQ(policy_from_json(doc, unknown), ServerPolicy{}) << key.path << ": the default";
    EXPECT_TRUE(unknown.empty()) << key.path;
    if (key.most == 0) continue;
    for (const std::int64_t value : {key.least - 1, key.most + 1}) {
      doc[key.path] = value;
      EXPECT_FALSE(policy_from_json(doc, unknown)) << key.path << " " << value;
    }
  }
}

}  // namespace
}  // namespace reversi::server

#include "client/manual/config_keys.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/core/client_config.h"
#include "client/core/client_config_keys.h"

namespace reversi::client {
namespace {

using nlohmann::json;

/// A configuration in which every object of the table is there.
json whole() {
  return {{"node", "cam-07"},
          {"servers", {{{"host", "tunnel.example.org"}}}},
          {"identity_file", "/k"},
          {"known_hosts_file", "/h"},
          {"forwards",
           {{{"name", "ssh"}, {"target", "127.0.0.1:22"}, {"expect", {{"kind", "connect"}}}}}},
          {"canary", {{"listen", "127.0.0.1:1"}, {"forward", "ssh"}}},
          {"log", {{"file", "/l"}}},
          {"backoff", json::object()}};
}

Result<ClientConfig> parse(const json& doc) {
  return parse_client_config(doc.dump(), "/etc/reversi");
}

/// "servers[].port" → "/servers/0/port"
json::json_pointer place(std::string path) {
  for (auto at = path.find("[]"); at != std::string::npos; at = path.find("[]"))
    path.replace(at, 2, "/0");
  std::ranges::replace(path, '.', '/');
  return json::json_pointer("/" + path);
}

/// The keys of an expectation are for one kind each.
json whole_for(const std::string& path) {
  json doc = whole();
  json& expect = doc["forwards"][0]["expect"];
  if (path.ends_with(".match") || path.ends_with(".send"))
    expect = {{"kind", "banner"}, {"match", "S"}};
  if (path.ends_with(".path") || path.ends_with(".status")) expect = {{"kind", "http"}};
  return doc;
}

TEST(ConfigKeys, AreThoseOfTheParser) {
  const auto lines = manual::differences(config_key_table(), client_config_keys());
  EXPECT_TRUE(lines.empty()) << lines.front();
  for (const auto& key : config_key_table()) {
    EXPECT_FALSE(key.meaning.empty()) << key.path;
    EXPECT_TRUE(key.meaning.ends_with('.')) << key.path;
    EXPECT_FALSE(key.required && !key.fallback.empty()) << key.path;
    // A value of a wrong type is another mistake than an unknown key: the parser does read it.
    json doc = whole_for(key.path);
    doc[place(key.path)] = json::array({1});
    const auto config = parse(doc);
    ASSERT_FALSE(config) << key.path;
    EXPECT_EQ(config.error().line().find("unknown key"), std::string::npos)
        << config.error().line();
  }
}

TEST(ConfigKeys, WhatIsRequiredIsMissedAndNothingElse) {
  for (const auto& key : config_key_table()) {
    json doc = whole_for(key.path);
    const auto at = place(key.path);
    if (!doc.contains(at)) {
      EXPECT_FALSE(key.required) << key.path;
      continue;
    }
    doc[at.parent_pointer()].erase(at.back());
    EXPECT_EQ(parse(doc).has_value(), !key.required) << key.path;
  }
}

TEST(ConfigKeys, ADefaultThatIsWrittenDownChangesNothing) {
  for (const auto& key : config_key_table()) {
    if (key.fallback.empty()) continue;
    json doc = whole_for(key.path);
    if (key.path == "log") doc.erase("log");
    const auto without = parse(doc);
    doc[place(key.path)] = json::parse(key.fallback);
    const auto with = parse(doc);
    ASSERT_TRUE(without && with) << key.path << ": " << (with ? without : with).error().line();
    EXPECT_TRUE(*with == *without) << key.path;
  }
}

TEST(ConfigKeys, BoundsAreTheParsers) {
  for (const auto& key : config_key_table()) {
    if (key.most <= key.least) continue;
    json doc = whole_for(key.path);
    // Neither is above the other, whichever is tried.
    if (key.path == "backoff.first_ms") doc["backoff"]["longest_ms"] = key.most;
    if (key.path == "backoff.longest_ms") doc["backoff"]["first_ms"] = key.least;
    for (const auto& [value, good] : {std::pair{key.least, true},
                                      {key.most, true},
                                      {key.least - 1, false},
                                      {key.most + 1, false}}) {
      doc[place(key.path)] = value;
      EXPECT_EQ(parse(doc).has_value(), good) << key.path << " " << value;
    }
  }
}

}  // namespace
}  // namespace reversi::client

#include "server/core/node.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "server_builders.h"

namespace reversi::server {
namespace {

using namespace testing;

TEST(NodeRecord, ComesBackAsItWasWritten) {
  NodeRecord record = cam_07();
  record.enabled = false;
  record.keys.push_back(public_key(kKeyB));
  record.forwards.push_back({forward_name("web"), 30000, parse_expect("http=/x,204").value()});
  record.from = {"192.0.2.0/24"};
  record.lines_due = true;
  const auto back = node_from_json(record.node, node_to_json(record));
  ASSERT_TRUE(back) << back.error().line();
  EXPECT_EQ(*back, record);
}

TEST(NodeRecord, ANewerSchemaIsReadAsFarAsItIsKnown) {
  Json doc = node_to_json(cam_07());
  doc["schema"] = 9;
  doc["colour"] = {{"of", "the future"}};
  EXPECT_TRUE(node_from_json(cam_07().node, doc));
}

TEST(NodeRecord, EveryMistakeNamesItsKey) {
  struct Row {
    const char* key;
    Json value;
  };
  const Row rows[] = {
      {"node", "cam-08"},
      {"node", 7},
      {"enabled", "yes"},
      {"keys", "ssh-ed25519"},
      {"keys", {"ssh-ed25519 AAAA"}},
      {"from", {"10.0.0.1/8"}},
      {"forwards", {{{"name", "Ssh"}, {"port", 20000}}}},
      {"forwards", {{{"name", "ssh"}, {"port", 0}}}},
      {"forwards", {{{"name", "ssh"}, {"port", 1023}}}},
      {"forwards", {{{"name", "ssh"}, {"port", 65536}}}},
      {"forwards", {{{"name", "ssh"}, {"port", 2001}}, {{"name", "ssh"}, {"port", 2002}}}},
      {"forwards", {{{"name", "ssh"}, {"port", 2001}}, {{"name", "web"}, {"port", 2001}}}},
      {"forwards", {{{"name", "ssh"}, {"port", 2001}, {"expect", {{"kind", "regex"}}}}}},
  };
  for (const Row& row : rows) {
    Json doc = node_to_json(cam_07());
    doc[row.key] = row.value;
    const auto record = node_from_json(cam_07().node, doc);
    ASSERT_FALSE(record) << doc;
    EXPECT_TRUE(record.error().line().starts_with(row.key)) << record.error().line();
  }
  for (const Json& doc : {Json(nullptr), Json::array(), Json(1)}) {
    EXPECT_FALSE(node_from_json(cam_07().node, doc));
  }
}

TEST(SessionRecord, ComesBackAsItWasWritten) {
  SessionRecord record{"s1", "boot", {10, 1000}, {11, 1001}, "i", "r", "m", at(5), std::nullopt};
  EXPECT_EQ(session_from_json(session_to_json(record)).value(), record);
  record.ended_at = at(9);
  EXPECT_EQ(session_from_json(session_to_json(record)).value(), record);
}

TEST(SessionRecord, AProcessThatCannotBeIsAMistake) {
  const Json good =
      session_to_json({"s1", "boot", {10, 1000}, {11, 1001}, "i", "r", "m", at(5), std::nullopt});
  for (const Json& process : {Json(nullptr), Json(7), Json{{"pid", 0}, {"start_time", 1}},
                              Json{{"pid", -1}, {"start_time", 1}}, Json{{"pid", 1}}}) {
    Json doc = good;
    doc["sshd"] = process;
    EXPECT_FALSE(session_from_json(doc)) << process;
  }
}

}  // namespace
}  // namespace reversi::server

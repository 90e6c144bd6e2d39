#include "server/core/pending.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "server/core/key_index.h"
#include "server_builders.h"

namespace reversi::server {
namespace {

using namespace testing;

PendingKey entry_of(const std::string& key, std::int64_t last = 0) {
  return {public_key(key), std::nullopt, at(0), at(last), 1};
}

TEST(Pending, AnEntryComesBackFromItsJson) {
  PendingKey entry = entry_of(kKeyA);
  entry.address = "203.0.113.7";
  entry.count = 7;
  const Json doc = pending_to_json(entry);
  EXPECT_EQ(doc["proved"], false);
  EXPECT_EQ(pending_from_json(doc).value(), entry);
}

TEST(Pending, WhatIsNoEntryIsAnError) {
  const Json good = pending_to_json(entry_of(kKeyA));
  for (const char* key : {"type", "key", "first", "last"}) {
    Json doc = good;
    doc.erase(key);
    EXPECT_FALSE(pending_from_json(doc)) << key;
  }
  Json doc = good;
  doc["key"] = good["key"].get<std::string>() + " and more";
  EXPECT_FALSE(pending_from_json(doc));
  doc["key"] = "AAAA";
  EXPECT_FALSE(pending_from_json(doc));
}

TEST(Pending, AKnockIsNotedOnceAMinute) {
  const PendingKey entry = entry_of(kKeyA, 100);
  EXPECT_FALSE(note_again(entry, std::nullopt, at(159)));
  const auto noted = note_again(entry, "192.0.2.1", at(160));
  ASSERT_TRUE(noted);
  EXPECT_EQ(noted->count, 2);
  EXPECT_EQ(noted->last, at(160));
  EXPECT_EQ(noted->first, at(0));
  EXPECT_EQ(noted->address, "192.0.2.1");
  EXPECT_EQ(note_again(*noted, std::nullopt, at(300))->address, "192.0.2.1");
  EXPECT_EQ(note_again(entry, std::nullopt, at(50))->last, at(50)) << "the clock was set back";
}

TEST(Pending, AnEntryIsForgottenAfterItsDays) {
  ServerPolicy policy;
  EXPECT_FALSE(is_forgotten(at(0), policy, at(7 * 86'400 - 1)));
  EXPECT_TRUE(is_forgotten(at(0), policy, at(7 * 86'400)));
  EXPECT_FALSE(is_forgotten(at(10), policy, at(0)));
}

TEST(Pending, AFingerprintMayBeShortenedWhileItIsTheOnlyOne) {
  const std::vector<PendingKey> entries{entry_of(kKeyA), entry_of(kKeyB)};
  const std::string print = to_fingerprint(digest_of(entries[0].key));
  EXPECT_EQ(find_pending(entries, print)->key, entries[0].key);
  EXPECT_EQ(find_pending(entries, print.substr(0, 15))->key, entries[0].key);
  EXPECT_EQ(find_pending(entries, print.substr(7, 8))->key, entries[0].key);
  EXPECT_EQ(find_pending(entries, "SHA256:").error().code(), Errc::usage);
  EXPECT_EQ(find_pending(entries, print.substr(0, 14)).error().code(), Errc::usage);
  EXPECT_EQ(find_pending(entries, "").error().code(), Errc::usage);
  EXPECT_EQ(find_pending(entries, "SHA256:nothingatall").error().code(), Errc::not_found);
  EXPECT_EQ(find_pending({entries[0], entries[0]}, print).error().code(), Errc::usage);
}

TEST(Pending, AFullListSaysWhatToDo) {
  ServerPolicy policy;
  EXPECT_EQ(pending_text({}, policy, at(0)), "no key waits for approval\n");
  EXPECT_EQ(pending_text({entry_of(kKeyA)}, policy, at(180)).find("full"), std::string::npos);
  policy.pending_most = 1;
  const std::string text = pending_text({entry_of(kKeyA, 60)}, policy, at(180));
  EXPECT_NE(text.find("first 3 min ago, last 2 min ago, noted 1x"), std::string::npos) << text;
  EXPECT_NE(text.find("full: no further key"), std::string::npos) << text;
}

const std::string kHashA = to_hex(digest_of(public_key(kKeyA)));
const std::string kHashB = to_hex(digest_of(public_key(kKeyB)));

TEST(KeyIndex, ComesBackFromItsText) {
  const KeyIndex index{"7-1", {{"cam-07", "8-2-300", {kHashA, kHashB}}, {"cam-08", "-", {}}}};
  const std::string text = format_key_index(index);
  EXPECT_EQ(parse_key_index(text), index);
  EXPECT_EQ(node_in_index(text, kHashA), node_name("cam-07"));
  EXPECT_EQ(node_in_index(text, kHashB), node_name("cam-07"));
  EXPECT_FALSE(node_in_index(text, std::string(64, '0')));
}

TEST(KeyIndex, OtherBytesNameNobody) {
  for (const std::string& text :
       {std::string(), std::string("\n"), kHashA, "x 1\ncam-07 1 " + kHashA + '\n',
        "reversi-key-index-1 1\n../../etc 1 " + kHashA, "reversi-key-index-1 " + kHashA,
        std::string(300, '\0')}) {
    EXPECT_FALSE(node_in_index(text, kHashA)) << text;
    for (const IndexedNode& node : parse_key_index(text).nodes) {
      EXPECT_TRUE(NodeName::parse(node.node)) << text;
    }
  }
  EXPECT_FALSE(node_in_index(format_key_index({"1", {{"cam-07", "1", {kHashA}}}}), "cam-07"));
}

TEST(KeyIndex, IsFreshForSecondsAndWhileTheDirectoryIsTheSame) {
  const std::string text = format_key_index({"7-1", {}});
  EXPECT_TRUE(is_index_fresh(text, "7-1", at(10), at(14)));
  EXPECT_FALSE(is_index_fresh(text, "7-1", at(10), at(15)));
  EXPECT_FALSE(is_index_fresh(text, "7-2", at(10), at(11)));
  EXPECT_FALSE(is_index_fresh(text, "7-1", at(10), at(9)));
  EXPECT_FALSE(is_index_fresh(text, "7-1", std::nullopt, at(10)));
  EXPECT_FALSE(is_index_fresh("", "", at(10), at(10)));
}

}  // namespace
}  // namespace reversi::server

#include "server/core/bundle.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "server/core/bundle_files.h"
#include "server_builders.h"

namespace reversi::server {
namespace {

using namespace testing;

BundleContents contents() {
  return {{node_name("cam-07"),
           {"tunnel.example.org", 22},
           "reversi",
           {public_key(kKeyB)},
           {{forward_name("ssh"), 20001, std::nullopt}}},
          BundleOs::openwrt,
          KeyPair{"PRIVATE", kKeyA},
          {{"reversi-client", 0755, "ELF"}}};
}

const TarFile* find(const std::vector<TarFile>& files, const std::string& name) {
  const auto found = std::ranges::find(files, "reversi-cam-07/" + name, &TarFile::name);
  return found == files.end() ? nullptr : &*found;
}

TEST(Bundle, SecretsAreTheOwnersAloneAndPathsAreRelative) {
  const auto files = bundle_files(contents());
  EXPECT_EQ(find(files, "id_ed25519")->mode, 0600);
  EXPECT_EQ(find(files, "client.json")->mode, 0600);
  EXPECT_EQ(find(files, "client.json")->text.find("/etc/"), std::string::npos);
  const auto doc = parse_json(find(files, "client.json")->text, /*allow_comments=*/true).value();
  EXPECT_EQ(doc.at("identity_file"), "id_ed25519");
  EXPECT_EQ(find(files, "bin/reversi-client")->mode, 0755);
}

TEST(Bundle, ANodeWithItsOwnKeyGetsNoPrivateOne) {
  BundleContents own = contents();
  own.key.reset();
  EXPECT_EQ(find(bundle_files(own), "id_ed25519"), nullptr);
}

TEST(Bundle, EverySystemHasItsInitFileAndNothingShippedIsEmpty) {
  const std::pair<BundleOs, const char*> rows[] = {{BundleOs::openwrt, "reversi-client.init"},
                                                   {BundleOs::linux_, "reversi-client.service"},
                                                   {BundleOs::macos, "org.reversi.client.plist"}};
  for (const auto& [os, name] : rows) {
    BundleContents one = contents();
    one.os = os;
    const auto files = bundle_files(one);
    ASSERT_NE(find(files, name), nullptr) << name;
    for (const TarFile& file : files)
      EXPECT_EQ(file.text.empty(), file.name.ends_with('/')) << file.name;
  }
  EXPECT_TRUE(bundle_file("no such file").empty());
}

TEST(Tar, HeaderAndBlocksAreThoseOfUstar) {
  const std::string archive = tar_archive({{"a/b", 0640, "hello"}}, 1).value();
  ASSERT_EQ(archive.size(), 4U * 512);
  EXPECT_STREQ(archive.c_str(), "a/b");
  EXPECT_STREQ(archive.c_str() + 100, "0000640");
  EXPECT_STREQ(archive.c_str() + 124, "00000000005");
  EXPECT_EQ(archive.substr(257, 8), std::string("ustar\00000", 8));
  EXPECT_EQ(archive.substr(512, 5), "hello");
  EXPECT_FALSE(tar_archive({{std::string(100, 'x'), 0644, ""}}, 1));
}

}  // namespace
}  // namespace reversi::server

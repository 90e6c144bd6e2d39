#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "server/io/state_dir.h"
#include "tests/unit/server_core/server_builders.h"

namespace reversi::server::testing {

/// A state directory of its own with the node cam-07 in it.
class StateDirTest : public ::testing::Test {
 public:
  static std::string make_directory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "reversi-state-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    return pattern;
  }
  static void put(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  static mode_t mode_of(const std::string& path) {
    struct stat info {};
    ::lstat(path.c_str(), &info);
    return info.st_mode;
  }

 protected:
  StateDirTest() : dir(make_directory()), state(StateDir::open_existing(dir).value()) {}
  ~StateDirTest() override { std::filesystem::remove_all(dir); }

  void SetUp() override {
    ASSERT_TRUE(state.create_node(node));
    ASSERT_TRUE(state.save_node(cam_07()));
  }

  std::string file(const char* name) const { return state.node_file(node, name); }

  std::string dir;
  StateDir state;
  NodeName node = node_name("cam-07");
};

}  // namespace reversi::server::testing

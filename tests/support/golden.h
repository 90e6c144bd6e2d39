#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace reversi::testing {

/// Compares with tests/golden/NAME. With REVERSI_UPDATE_GOLDEN=1 in the environment it writes the
/// file instead; the diff is the review. REVERSI_GOLDEN_DIR comes from the build.
inline void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(REVERSI_GOLDEN_DIR) + "/" + name;
  if (std::getenv("REVERSI_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text, golden) << path << ": run with REVERSI_UPDATE_GOLDEN=1 if the change is meant";
}

}  // namespace reversi::testing

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/core/error.h"

namespace reversi {

/// A directory that only we can enter (mode 0700), gone at the end with all that is in it.
class TemporaryDirectory {
 public:
  /// "PARENT/NAME.XXXXXX" in the first of `parents` that takes it; "" stands for TMPDIR, else /tmp.
  /// @errors  what the last of them said, with its path
  [[nodiscard]] static Result<TemporaryDirectory> make(const std::string& name,
                                                       const std::vector<std::string>& parents = {
                                                           ""});

  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string at(const std::string& name) const { return path_ + '/' + name; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace reversi

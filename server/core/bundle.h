#pragma once
// What a node gets in one archive: configuration, keys, init file, installer. Files in, files out.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/core/client_kit.h"
#include "server/core/tar.h"

namespace reversi::server {

enum class BundleOs { openwrt, linux_, macos };
[[nodiscard]] std::optional<BundleOs> parse_bundle_os(std::string_view word);

struct KeyPair {
  std::string private_text;
  std::string public_line;
};

struct BundleContents {
  ClientKit kit;
  BundleOs os = BundleOs::linux_;
  std::optional<KeyPair> key;     ///< none: the node has its own
  std::vector<TarFile> programs;  ///< "reversi-client", "reversi-worker"
};

/// Below one directory, "reversi-NAME/".
[[nodiscard]] std::vector<TarFile> bundle_files(const BundleContents& contents);

}  // namespace reversi::server

#pragma once
// The files of config/ that go into every bundle; built into the program, which needs no directory for them.

#include <string_view>

namespace reversi::server {

/// The text of config/**/`name`, empty if there is no such file; see server/meson.build.
[[nodiscard]] std::string_view bundle_file(std::string_view name);

}  // namespace reversi::server

#include "server/core/bundle.h"

#include "common/core/word_table.h"
#include "server/core/bundle_files.h"

namespace reversi::server {
namespace {

constexpr WordTable<BundleOs, 3> kSystems{{{
    {BundleOs::openwrt, "openwrt"},
    {BundleOs::linux_, "linux"},
    {BundleOs::macos, "macos"},
}}};

constexpr int kSecret = 0600;
constexpr int kProgram = 0755;

/// The configuration finds its neighbours wherever it is put: as root in /etc/reversi, else in a home.
std::string relative_config(std::string_view text) {
  constexpr std::string_view kDirectory = "\"/etc/reversi/";
  std::string relative;
  for (std::size_t at = text.find(kDirectory); at != std::string_view::npos;
       at = text.find(kDirectory)) {
    relative += text.substr(0, at);
    relative += '"';
    text.remove_prefix(at + kDirectory.size());
  }
  relative += text;
  return relative;
}

std::vector<TarFile> init_files(BundleOs os) {
  const auto shipped = [](std::string_view name) { return std::string(bundle_file(name)); };
  switch (os) {
    case BundleOs::openwrt:
      return {{"reversi-client.init", kProgram, shipped("reversi-client")},
              {"reversi.uci", 0644, shipped("reversi")}};
    case BundleOs::macos:
      return {{"org.reversi.client.plist", 0644, shipped("org.reversi.client.plist")}};
    case BundleOs::linux_:
      break;
  }
  return {{"reversi-client.service", 0644, shipped("reversi-client.service")}};
}

}  // namespace

std::optional<BundleOs> parse_bundle_os(std::string_view word) {
  return kSystems.parse(word);
}

std::vector<TarFile> bundle_files(const BundleContents& contents) {
  const std::string top = "reversi-" + contents.kit.node.text() + '/';
  std::vector<TarFile> files{{top, 0700, {}}};
  const auto add = [&](const std::string& name, int mode, std::string text) {
    files.push_back({top + name, mode, std::move(text)});
  };
  for (const char* script : {"install.sh", "uninstall.sh", "common.sh"}) {
    add(script, kProgram, std::string(bundle_file(script)));
  }
  add("client.json", kSecret, relative_config(client_config_text(contents.kit)));
  add("known_hosts", kSecret, known_hosts_text(contents.kit));
  if (contents.key) {
    add("id_ed25519", kSecret, contents.key->private_text);
    add("id_ed25519.pub", kSecret, contents.key->public_line + '\n');
  }
  for (TarFile& init : init_files(contents.os)) add(init.name, init.mode, std::move(init.text));
  if (!contents.programs.empty()) add("bin/", kProgram, {});
  for (const TarFile& program : contents.programs) {
    add("bin/" + program.name, kProgram, program.text);
  }
  return files;
}

}  // namespace reversi::server

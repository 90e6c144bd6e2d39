#include "client/worker/enrol_tools.h"

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "client/ssh/first_contact.h"
#include "client/ssh/keygen.h"
#include "client/ssh/keys.h"
#include "common/core/exit_code.h"

namespace reversi::worker {
namespace {

using Words = std::vector<std::string>;

Result<Endpoint> server_of(const Words& words) {
  const auto port = parse_port(words[1]);
  if (!port) return fail(port.error());
  return Endpoint{words[0], *port};
}

/// A file that is not there yet pins nothing.
Result<PinnedKeys> pinned_in(const std::string& file, const Endpoint& server) {
  auto pinned = PinnedKeys::load({file}, server);
  if (!pinned && pinned.error().code() == Errc::not_found) return PinnedKeys{};
  return pinned;
}

std::string line_of(const ShownKey& key) {
  return key.fingerprint + ' ' + key.type + ' ' + key.blob;
}

Result<std::string> host_key(const Words& words) {
  const auto server = server_of(words);
  if (!server) return fail(server.error());
  const auto pinned = pinned_in(words[2], *server);
  if (!pinned) return fail(pinned.error());
  return look_at_host_key(*server, *pinned, words.size() > 3 ? words[3] : "")
      .map([&](const ShownKey& key) {
        return (key.is_pinned ? "pinned " : "unknown ") + line_of(key) + ' ' +
               known_hosts_name(*server);
      });
}

Result<std::string> own_key(const Words& words) {
  const auto made = generate_ed25519(words[0]);
  if (!made && made.error().code() != Errc::exists) return fail(made.error());
  const auto key = load_private_key(words[0]);
  if (!key) return fail(key.error());
  return public_half(key->get()).map([&](const ShownKey& half) {
    return (made ? "made " : "found ") + line_of(half);
  });
}

Result<std::string> knock_once(const Words& words) {
  const auto server = server_of(words);
  if (!server) return fail(server.error());
  const auto pinned = PinnedKeys::load({words[3]}, *server);
  if (!pinned) return fail(pinned.error());
  const auto key = load_private_key(words[4]);
  if (!key) return fail(key.error());
  return knock(*server, words[2], *pinned, key->get()).map([](Knock answer) {
    return std::string(answer == Knock::accepted ? "accepted" : "refused");
  });
}

struct Tool {
  std::string_view word;
  std::size_t least;
  std::size_t most;
  Result<std::string> (*run)(const Words& words);
};
constexpr Tool kTools[] = {
    {"host-key", 3, 4, host_key}, {"own-key", 1, 1, own_key}, {"knock", 5, 5, knock_once}};

}  // namespace

int run_enrol_tool(int argc, char** argv) {
  const Words words(argv + 2, argv + (argc > 2 ? argc : 2));
  for (const Tool& tool : kTools) {
    if (argc < 2 || tool.word != argv[1]) continue;
    if (words.size() < tool.least || words.size() > tool.most) return -1;
    ssh_init();
    const auto line = tool.run(words);
    std::fprintf(line ? stdout : stderr, "%s\n",
                 line ? line->c_str() : line.error().line().c_str());
    std::fflush(nullptr);
    // Not return: a name that the resolver's thread still looks up would be waited for.
    ::_exit(line ? 0 : static_cast<int>(exit_code_of(line.error().code())));
  }
  return -1;
}

}  // namespace reversi::worker

#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <tl/expected.hpp>

#include "client/core/worker_messages.h"
#include "client/ssh/host_key.h"
#include "client/ssh/identities.h"
#include "client/ssh/session_loop.h"

namespace reversi {

/// An authenticated session.
struct OpenSession {
  std::unique_ptr<SessionLoop> loop;
  Endpoint address;      ///< the numeric address that answered
  std::string host_key;  ///< "SHA256:…"
  std::string identity_file;
  std::string host_key_line;  ///< "ssh-ed25519 AAAA…"
};

/// TCP to every address of the server, key exchange, host key against `pinned`, login with the first
/// of `identities` that is taken; each of the two stages (TCP; the rest) within
/// `start.connect_limit`. No configuration file of ssh, no agent, no other key, no prompt: only what
/// is handed in counts. Each key has a connection of its own: with MaxAuthTries 1 the server ends it
/// after one that it does not know.
/// Everything that `pinned` and `identities` refer to must live until the end.
[[nodiscard]] boost::asio::awaitable<tl::expected<OpenSession, client::Failed>> open_session(
    const client::Start& start, const PinnedKeys& pinned, const std::vector<Identity>& identities);

}  // namespace reversi

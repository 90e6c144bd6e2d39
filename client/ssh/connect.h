#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <tl/expected.hpp>

#include "client/core/worker_messages.h"
#include "client/ssh/host_key.h"
#include "client/ssh/session_loop.h"

namespace reversi {

/// An authenticated session.
struct OpenSession {
  std::unique_ptr<SessionLoop> loop;
  Endpoint address;      ///< the numeric address that answered
  std::string host_key;  ///< "SHA256:…"
};

/// TCP to every address of the server, key exchange, host key against `pinned`, login with `key`;
/// each of the two stages (TCP; the rest) within `start.connect_limit`. No configuration file of
/// ssh, no agent, no other key, no prompt: only what is handed in counts.
/// Everything that `pinned` and `key` refer to must live until the end.
[[nodiscard]] boost::asio::awaitable<tl::expected<OpenSession, client::Failed>> open_session(
    const client::Start& start, const PinnedKeys& pinned, ssh_key key);

}  // namespace reversi

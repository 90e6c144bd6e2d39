#include "client/ssh/connect.h"

#include "client/ssh/dial.h"
#include "client/ssh/keys.h"
#include "client/ssh/new_session.h"
#include "common/io/coro.h"

namespace reversi {
namespace {

using client::Failed;
using client::Failure;

tl::unexpected<Failed> failed(Failure failure, std::string text) {
  return tl::unexpected<Failed>(Failed{failure, std::move(text)});
}

std::string error_text(SessionLoop& loop) {
  return printable(ssh_get_error(loop.session()));
}

std::string within(Millis limit) {
  return " within " + std::to_string(limit.count() / 1000) + " s";
}

/// The key that the server showed, if it is the pinned one.
tl::expected<SshKey, Failed> judge_host_key(ssh_session session, const PinnedKeys& pinned) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session, &raw) != SSH_OK) {
    return failed(Failure::host_key, "the server showed no host key");
  }
  SshKey shown{raw};
  const auto print = pinned.check(shown.get());
  if (!print) return failed(Failure::host_key, print.error().line());
  return shown;
}

/// What a login that did not succeed means. Nothing if it did.
std::optional<Failed> judge_login(int rc, SessionLoop& loop, const client::Start& start,
                                  const std::string& identity_file) {
  const std::string text = error_text(loop);
  // With MaxAuthTries 1 the server disconnects instead of refusing.
  const bool counted_out = text.find("authentication failures") != std::string::npos;
  if (rc == SSH_AUTH_SUCCESS) return std::nullopt;
  if (rc == SSH_AUTH_DENIED || counted_out) {
    return Failed{Failure::key_refused, "the server does not accept the key " + identity_file +
                                            " for user " + start.user +
                                            "; is its public half registered there?"};
  }
  if (rc == SSH_AUTH_PARTIAL) {
    return Failed{Failure::key_refused,
                  "the server wants more than the key; it must allow publickey alone"};
  }
  if (rc == SSH_AGAIN) {
    return Failed{Failure::lost, "no answer to the login" + within(start.connect_limit)};
  }
  return Failed{Failure::lost, "login: " + text};
}

}  // namespace

namespace {

asio::awaitable<tl::expected<OpenSession, Failed>> open_with(const client::Start& start,
                                                             const PinnedKeys& pinned,
                                                             const Identity& identity) {
  const std::string server = format_endpoint(start.server);
  auto dialed = co_await dial(start.server, start.connect_limit);
  if (!dialed) co_return failed(Failure::no_answer, std::move(dialed).error().in(server).line());

  const auto deadline = std::chrono::steady_clock::now() + start.connect_limit;
  SshSession session = new_session(start.server, start.user, pinned.algorithms());
  if (!session) co_return failed(Failure::setup, "libssh does not take the options");
  OpenSession open{std::make_unique<SessionLoop>(std::move(dialed->socket), std::move(session)),
                   dialed->address,
                   {},
                   identity.file,
                   {}};
  SessionLoop& loop = *open.loop;
  const std::string at = format_endpoint(open.address) + ": ";

  const int rc = co_await loop.until_done([&] { return ssh_connect(loop.session()); }, deadline);
  if (rc != SSH_OK) {
    const std::string why =
        rc == SSH_AGAIN ? "no answer" + within(start.connect_limit) : error_text(loop);
    const bool spoke = ssh_get_serverbanner(loop.session()) != nullptr;
    if (spoke) co_return failed(Failure::lost, at + "key exchange: " + why);
    co_return failed(Failure::no_answer, at + "no SSH server there: " + why);
  }
  loop.connected();

  auto shown = judge_host_key(loop.session(), pinned);
  if (!shown) co_return tl::unexpected<Failed>(std::move(shown).error());
  open.host_key = fingerprint(shown->get());
  open.host_key_line = key_line(shown->get());

  const auto login = [&] {
    const int answer = ssh_userauth_publickey(loop.session(), nullptr, identity.key.get());
    return answer == SSH_AUTH_AGAIN ? SSH_AGAIN : answer;
  };
  auto refusal = judge_login(co_await loop.until_done(login, deadline), loop, start, identity.file);
  if (refusal) co_return tl::unexpected<Failed>(std::move(*refusal));
  co_return open;
}

/// A server may also hang up on a key that it does not know.
bool may_be_the_key(Failure failure) {
  return failure != Failure::no_answer && failure != Failure::host_key && failure != Failure::setup;
}

}  // namespace

asio::awaitable<tl::expected<OpenSession, Failed>> open_session(
    const client::Start& start, const PinnedKeys& pinned, const std::vector<Identity>& identities) {
  std::optional<Failed> refusal;
  for (const Identity& identity : identities) {
    auto open = co_await open_with(start, pinned, identity);
    if (open || !may_be_the_key(open.error().failure)) co_return open;
    // Of several that are refused, the configured one is the one to be named.
    if (!refusal || identity.file == start.identity_file) refusal = std::move(open).error();
  }
  co_return tl::unexpected<Failed>(std::move(*refusal));
}

}  // namespace reversi

#include "client/ssh/connect.h"

#include "client/ssh/dial.h"
#include "common/io/coro.h"

namespace reversi {
namespace {

using client::Failed;
using client::Failure;

constexpr const char* kNoFile = "/dev/null";

tl::unexpected<Failed> failed(Failure failure, std::string text) {
  return tl::unexpected<Failed>(Failed{failure, std::move(text)});
}

/// libssh by default reads ~/.ssh/config and /etc/ssh/ssh_config (ProxyCommand too) and believes the
/// global known_hosts: everything that points to a file is pointed away.
SshSession new_session(const client::Start& start, const PinnedKeys& pinned) {
  SshSession session{ssh_new()};
  if (!session) return nullptr;
  bool process_config = false;
  const unsigned int port = start.server.port;
  const std::string algorithms = pinned.algorithms();
  const bool good =
      ssh_options_set(session.get(), SSH_OPTIONS_PROCESS_CONFIG, &process_config) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_SSH_DIR, "/nonexistent") == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_KNOWNHOSTS, kNoFile) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_GLOBAL_KNOWNHOSTS, kNoFile) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_HOST, start.server.host.c_str()) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_PORT, &port) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_USER, start.user.c_str()) == 0 &&
      ssh_options_set(session.get(), SSH_OPTIONS_HOSTKEYS, algorithms.c_str()) == 0;
  return good ? std::move(session) : nullptr;
}

std::string error_text(SessionLoop& loop) {
  return printable(ssh_get_error(loop.session()));
}

std::string within(Millis limit) {
  return " within " + std::to_string(limit.count() / 1000) + " s";
}

tl::expected<std::string, Failed> judge_host_key(ssh_session session, const PinnedKeys& pinned) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session, &raw) != SSH_OK) {
    return failed(Failure::host_key, "the server showed no host key");
  }
  const SshKey shown{raw};
  auto print = pinned.check(shown.get());
  if (!print) return failed(Failure::host_key, print.error().line());
  return *std::move(print);
}

/// What a login that did not succeed means. Nothing if it did.
std::optional<Failed> judge_login(int rc, SessionLoop& loop, const client::Start& start) {
  const std::string text = error_text(loop);
  // With MaxAuthTries 1 the server disconnects instead of refusing.
  const bool counted_out = text.find("authentication failures") != std::string::npos;
  if (rc == SSH_AUTH_SUCCESS) return std::nullopt;
  if (rc == SSH_AUTH_DENIED || counted_out) {
    return Failed{Failure::key_refused, "the server does not accept the key " +
                                            start.identity_file + " for user " + start.user +
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

asio::awaitable<tl::expected<OpenSession, Failed>> open_session(const client::Start& start,
                                                                const PinnedKeys& pinned,
                                                                ssh_key key) {
  const std::string server = format_endpoint(start.server);
  auto dialed = co_await dial(start.server, start.connect_limit);
  if (!dialed) co_return failed(Failure::no_answer, std::move(dialed).error().in(server).line());

  const auto deadline = std::chrono::steady_clock::now() + start.connect_limit;
  SshSession session = new_session(start, pinned);
  if (!session) co_return failed(Failure::setup, "libssh does not take the options");
  OpenSession open{std::make_unique<SessionLoop>(std::move(dialed->socket), std::move(session)),
                   dialed->address,
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

  auto print = judge_host_key(loop.session(), pinned);
  if (!print) co_return tl::unexpected<Failed>(std::move(print).error());
  open.host_key = *std::move(print);

  const auto login = [&] {
    const int answer = ssh_userauth_publickey(loop.session(), nullptr, key);
    return answer == SSH_AUTH_AGAIN ? SSH_AGAIN : answer;
  };
  auto refusal = judge_login(co_await loop.until_done(login, deadline), loop, start);
  if (refusal) co_return tl::unexpected<Failed>(std::move(*refusal));
  co_return open;
}

}  // namespace reversi

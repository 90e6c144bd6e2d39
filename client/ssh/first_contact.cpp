#include "client/ssh/first_contact.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "client/ssh/dial.h"
#include "client/ssh/keys.h"
#include "client/ssh/new_session.h"
#include "common/io/system_error.h"
#include "common/io/unique_fd.h"

namespace reversi {
namespace {

constexpr Millis kDialLimit{15'000};
constexpr long kStepLimit = 10;  // s, for each of libssh's steps

/// Each kind of host key that a server may have one of.
constexpr std::array<const char*, 3> kKinds{
    "ssh-ed25519", "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521",
    "rsa-sha2-512,rsa-sha2-256"};

Result<UniqueFd> connect_to(const Endpoint& server) {
  // Never destroyed, which would wait for a resolver that hangs; this process does one thing and ends.
  auto& io = *new boost::asio::io_context{1};
  std::optional<Result<Dialed>> dialed;
  boost::asio::co_spawn(
      io, [&]() -> boost::asio::awaitable<void> { dialed = co_await dial(server, kDialLimit); },
      [](const std::exception_ptr&) {});
  // Not until it is empty, for the same reason.
  while (!dialed && io.run_one() > 0) {
  }
  if (!dialed) return fail(Errc::io, format_endpoint(server) + ": no connection");
  if (!*dialed) return fail(std::move(*dialed).error().in(format_endpoint(server)));
  UniqueFd fd{::dup((*dialed)->socket.native_handle())};
  const int flags = fd ? ::fcntl(fd.get(), F_GETFL) : -1;
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) {
    return fail(errno_error(errno, format_endpoint(server)));
  }
  return fd;
}

/// Connected and with its keys exchanged; the host key is not judged.
Result<SshSession> open(const Endpoint& server, const std::string& user,
                        const std::string& algorithms) {
  auto fd = connect_to(server);
  if (!fd) return fail(fd.error());
  SshSession session = new_session(server, user, algorithms);
  if (!session) return fail(Errc::io, "libssh does not take the options");
  const socket_t socket = fd->release();  // libssh closes it
  ssh_options_set(session.get(), SSH_OPTIONS_FD, &socket);
  ssh_options_set(session.get(), SSH_OPTIONS_TIMEOUT, &kStepLimit);
  if (ssh_connect(session.get()) == SSH_OK) return session;
  return fail(Errc::io, format_endpoint(server) + ": " + printable(ssh_get_error(session.get())));
}

Result<SshKey> shown_key(ssh_session session) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session, &raw) == SSH_OK) return SshKey{raw};
  return fail(Errc::io, "the server showed no host key");
}

/// The key of this kind; nothing where the server has none.
Result<SshKey> key_of_kind(const Endpoint& server, const std::string& algorithms) {
  const auto session = open(server, "reversi", algorithms);
  if (!session) return fail(session.error());
  auto key = shown_key(session->get());
  ssh_disconnect(session->get());
  return key;
}

}  // namespace

Result<ShownKey> public_half(ssh_key key) {
  char* raw = nullptr;
  if (ssh_pki_export_pubkey_base64(key, &raw) != SSH_OK) {
    return fail(Errc::io, "libssh could not export the public key");
  }
  const SshText text{raw};
  return ShownKey{ssh_key_type_to_char(ssh_key_type(key)), text.get(), fingerprint(key)};
}

Result<ShownKey> look_at_host_key(const Endpoint& server, const PinnedKeys& pinned,
                                  const std::string& wanted) {
  auto key = key_of_kind(server, pinned.algorithms());
  if (!key) return fail(key.error());
  const std::string first = fingerprint(key->get());
  if (!wanted.empty() && first != wanted && pinned.is_empty()) {
    for (const char* kind : kKinds) {
      auto other = key_of_kind(server, kind);
      if (other && fingerprint(other->get()) == wanted) key = std::move(other);
      if (fingerprint(key->get()) == wanted) break;
    }
  }
  const std::string shown = fingerprint(key->get());
  if (!wanted.empty() && shown != wanted) {
    return fail(Errc::refused, format_endpoint(server) + " shows the host key " + first + ", not " +
                                   printable(wanted, 80) +
                                   ": this is another server, or another fingerprint was meant");
  }
  const auto judged = pinned.check(key->get());
  if (!judged && !pinned.is_empty()) return fail(judged.error());
  return public_half(key->get()).map([&](ShownKey half) {
    half.is_pinned = judged.has_value();
    return half;
  });
}

Result<Knock> knock(const Endpoint& server, const std::string& user, const PinnedKeys& pinned,
                    ssh_key key) {
  const auto session = open(server, user, pinned.algorithms());
  if (!session) return fail(session.error());
  const auto shown = shown_key(session->get());
  if (!shown) return fail(shown.error());
  if (const auto judged = pinned.check(shown->get()); !judged) return fail(judged.error());
  const int answer = ssh_userauth_publickey(session->get(), nullptr, key);
  const std::string text = printable(ssh_get_error(session->get()));
  ssh_disconnect(session->get());
  if (answer == SSH_AUTH_SUCCESS) return Knock::accepted;
  const bool counted_out = text.find("authentication failures") != std::string::npos;
  if (answer == SSH_AUTH_DENIED || counted_out) return Knock::refused;
  return fail(Errc::io, format_endpoint(server) + ": login: " + text);
}

}  // namespace reversi

#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

/// What an open channel costs in libssh itself: a remote forward whose channels nobody else holds.
///
///   libssh-channels PORT USER KEY_FILE LISTEN_PORT
///
/// Logs in to 127.0.0.1:PORT, listens on the server's localhost:LISTEN_PORT, sends the first 64 bytes
/// of every channel back, and keeps it open from then on. Runs until it is killed.
namespace {

struct Free {
  void operator()(ssh_session session) const {
    ssh_disconnect(session);
    ssh_free(session);
  }
  void operator()(ssh_key key) const { ssh_key_free(key); }
};

[[noreturn]] void give_up(const char* what, const char* why) {
  std::fprintf(stderr, "libssh-channels: %s: %s\n", what, why);
  std::exit(EXIT_FAILURE);
}

void must(bool ok, const char* what, ssh_session session) {
  if (!ok) give_up(what, ssh_get_error(session));
}

void echo_once(ssh_channel channel) {
  std::array<char, 64> block{};
  std::uint32_t got = 0;
  while (got < block.size()) {
    const int part = ssh_channel_read(channel, block.data() + got,
                                      static_cast<std::uint32_t>(block.size()) - got, 0);
    if (part <= 0) {
      ssh_channel_free(channel);
      return;
    }
    got += static_cast<std::uint32_t>(part);
  }
  ssh_channel_write(channel, block.data(), got);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) give_up("usage", "libssh-channels PORT USER KEY_FILE LISTEN_PORT");
  const std::unique_ptr<ssh_session_struct, Free> session(ssh_new());
  const int port = std::atoi(arguments[1]);
  const int listen_port = std::atoi(arguments[4]);
  const int no = 0;
  const int yes = 1;
  ssh_options_set(session.get(), SSH_OPTIONS_HOST, "127.0.0.1");
  ssh_options_set(session.get(), SSH_OPTIONS_PORT, &port);
  ssh_options_set(session.get(), SSH_OPTIONS_USER, arguments[2]);
  ssh_options_set(session.get(), SSH_OPTIONS_PROCESS_CONFIG, &no);
  ssh_options_set(session.get(), SSH_OPTIONS_NODELAY, &yes);
  must(ssh_connect(session.get()) == SSH_OK, "connect", session.get());
  ssh_key key = nullptr;
  if (ssh_pki_import_privkey_file(arguments[3], nullptr, nullptr, nullptr, &key) != SSH_OK) {
    give_up(arguments[3], "cannot read this key");
  }
  const std::unique_ptr<ssh_key_struct, Free> owned(key);
  must(ssh_userauth_publickey(session.get(), nullptr, key) == SSH_AUTH_SUCCESS, "log in",
       session.get());
  // Without a session channel sshd holds small packets back for 40 ms (Nagle).
  ssh_channel sleeper = ssh_channel_new(session.get());
  must(ssh_channel_open_session(sleeper) == SSH_OK, "open a session", session.get());
  must(ssh_channel_request_exec(sleeper, "exec sleep 3600") == SSH_OK, "sleep", session.get());
  must(ssh_channel_listen_forward(session.get(), "localhost", listen_port, nullptr) == SSH_OK,
       "listen", session.get());
  while (ssh_is_connected(session.get()) != 0) {
    // Handles packets for a millisecond; a wait in the next call would be one of 50 ms.
    ssh_channel_poll_timeout(sleeper, 1, 0);
    int destination = 0;
    while (ssh_channel channel =
               ssh_channel_open_forward_port(session.get(), 0, &destination, nullptr, nullptr)) {
      echo_once(channel);
    }
  }
  give_up("wait for channels", ssh_get_error(session.get()));
}

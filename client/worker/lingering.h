#pragma once

#include <cstddef>
#include <list>

#include <libssh/callbacks.h>

#include "client/ssh/handles.h"

namespace reversi::worker {

/// Channels that were ended here and that the server has not closed yet. libssh keeps what it has
/// allocated for a channel until the server's CLOSE, which sshd sends only once its own user has read
/// what is left for him, or hung up: a user who does neither makes this node pay for it.
class Lingering {
 public:
  Lingering() = default;
  ~Lingering() { clear(); }
  Lingering(const Lingering&) = delete;
  Lingering& operator=(const Lingering&) = delete;

  /// Call it before ssh_channel_close(), which may already receive the server's answer.
  /// @param kept  bytes that libssh's buffer of the channel held at most
  void add(SshChannel channel, std::size_t kept);
  /// Frees those that the server has closed. Never called from a libssh callback.
  void free_closed();
  void clear();
  /// What they keep.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    Entry(Lingering& lingering, SshChannel its_channel, std::size_t kept);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    void keeps(std::size_t now);

    Lingering& all;
    SshChannel channel;
    ssh_channel_callbacks_struct callbacks{};  // libssh has its address
    std::size_t bytes = 0;
    std::list<Entry>::iterator at;
  };

  static int on_data(ssh_session session, ssh_channel channel, void* data, uint32_t size,
                     int is_stderr, void* entry);
  static void on_close(ssh_session session, ssh_channel channel, void* entry);

  std::list<Entry> open_;
  std::list<Entry> closed_;
  std::size_t bytes_ = 0;
};

}  // namespace reversi::worker

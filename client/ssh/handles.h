#pragma once
// Owners of libssh's handles. A raw ssh_session is a borrowed view in a parameter, never a member.
//
// Order matters: ssh_free() frees every channel that is still open, so destroy channels (SshChannel)
// before their session; and an ssh_event must let go of the session before either is freed.

#include <memory>

#include <libssh/libssh.h>

namespace reversi {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* handle) const noexcept {
    Free(handle);
  }
};

using SshSession = std::unique_ptr<ssh_session_struct, FreeWith<ssh_free>>;
using SshChannel = std::unique_ptr<ssh_channel_struct, FreeWith<ssh_channel_free>>;
using SshEvent = std::unique_ptr<ssh_event_struct, FreeWith<ssh_event_free>>;
using SshKey = std::unique_ptr<ssh_key_struct, FreeWith<ssh_key_free>>;
/// A text that libssh allocated.
using SshText = std::unique_ptr<char, FreeWith<ssh_string_free_char>>;

}  // namespace reversi

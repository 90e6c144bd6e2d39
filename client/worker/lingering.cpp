#include "client/worker/lingering.h"

#include <algorithm>
#include <utility>

namespace reversi::worker {
namespace {

/// What a channel costs even if it never carried anything: the structures of libssh and ours.
constexpr std::size_t kLeastBytes = 2048;

}  // namespace

Lingering::Entry::Entry(Lingering& lingering, SshChannel its_channel, std::size_t kept)
    : all(lingering), channel(std::move(its_channel)) {
  callbacks.userdata = this;
  callbacks.channel_data_function = on_data;
  callbacks.channel_close_function = on_close;
  ssh_callbacks_init(&callbacks);
  ssh_set_channel_callbacks(channel.get(), &callbacks);
  keeps(std::max(kept, kLeastBytes));
}

Lingering::Entry::~Entry() {
  ssh_remove_channel_callbacks(channel.get(), &callbacks);
  all.bytes_ -= bytes;
}

void Lingering::Entry::keeps(std::size_t now) {
  if (now <= bytes) return;
  all.bytes_ += now - bytes;
  bytes = now;
}

void Lingering::add(SshChannel channel, std::size_t kept) {
  Entry& entry = open_.emplace_back(*this, std::move(channel), kept);
  entry.at = std::prev(open_.end());
}

void Lingering::free_closed() {
  closed_.clear();
}

void Lingering::clear() {
  open_.clear();
  closed_.clear();
}

/// What was under way when the channel was ended is wanted by nobody.
int Lingering::on_data(ssh_session /*session*/, ssh_channel /*channel*/, void* /*data*/,
                       uint32_t size, int /*is_stderr*/, void* entry) {
  static_cast<Entry*>(entry)->keeps(size);
  return static_cast<int>(size);
}

/// libssh still works with the channel: it is freed later.
void Lingering::on_close(ssh_session /*session*/, ssh_channel /*channel*/, void* entry) {
  auto& self = *static_cast<Entry*>(entry);
  self.all.closed_.splice(self.all.closed_.end(), self.all.open_, self.at);
}

}  // namespace reversi::worker

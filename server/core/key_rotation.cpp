#include "server/core/key_rotation.h"

#include <algorithm>

namespace reversi::server {

Result<PublicKey> parse_offered_key(std::string_view text) {
  auto key = parse_public_key(text);
  if (!key) return fail(Errc::refused, "the node's new key: " + key.error().line());
  key->comment = "reversi";  // what the node calls it is no matter
  if (key->type == "ssh-ed25519") return key;
  return fail(Errc::refused, "the node's new key is " + key->type + ", not ssh-ed25519");
}

Result<NodeRecord> admit_next_key(const NodeRecord& record, const PublicKey& key) {
  NodeRecord after = record;
  const auto is_it = [&](const PublicKey& held) { return is_same_key(held, key); };
  if (record.keys.size() == 1 && is_it(record.keys.front())) {
    return fail(Errc::exists,
                "the node offers the key that it has: it could not put it in its place");
  }
  // One that was never used goes; the only key that the node has does not, whatever it was before.
  const bool has_another = record.keys.size() > 1;
  std::erase_if(after.keys, [&](const PublicKey& held) {
    return is_it(held) || (has_another && is_next_key(record, held));
  });
  after.keys.push_back(key);
  after.next_key = key;
  return after;
}

bool ends_rotation(const NodeRecord& record, std::string_view blob) {
  return record.next_key && record.next_key->blob == blob;
}

NodeRecord begin_settling(const NodeRecord& record) {
  NodeRecord after = record;
  after.keys = {*record.next_key};
  return after;
}

}  // namespace reversi::server

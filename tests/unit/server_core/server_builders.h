#pragma once
// Values that tests of the server begin with.

#include <string>
#include <string_view>

#include "server/core/authorized_keys.h"
#include "server/core/node.h"

namespace reversi::server::testing {

inline const std::string kKeyA =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF7ofPx0I/LglobHdHDcFgg1nI4OTOjkULgKIpxjR6EP";
inline const std::string kKeyB =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAWT5StdNr1yPVWKBABqW6S/FXxmtLCbxlO4rtjGj5oP";

inline const AgentCommand kCommand{"/usr/bin/reversi-server", "/var/lib/reversi"};

inline NodeName node_name(std::string_view text) {
  return NodeName::parse(text).value();
}
inline ForwardName forward_name(std::string_view text) {
  return ForwardName::parse(text).value();
}
inline PublicKey public_key(std::string_view text) {
  return parse_public_key(text).value();
}

/// cam-07 with key A and forward ssh on 20001.
inline NodeRecord cam_07() {
  return {node_name("cam-07"),
          true,
          {public_key(kKeyA + " cam")},
          {{forward_name("ssh"), 20001, std::nullopt}},
          {}};
}

inline WallTime at(std::int64_t seconds) {
  return WallTime{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}} +
         std::chrono::seconds{seconds};
}

}  // namespace reversi::server::testing

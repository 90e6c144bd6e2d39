#include "common/io/lost_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include <gtest/gtest.h>

#include "common/io/unique_fd.h"

namespace reversi {
namespace {

sockaddr_in at(const char* address) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  ::inet_pton(AF_INET, address, &in.sin_addr);
  return in;
}

bool tell(const char* interface, unsigned long what, const auto& value) {
  const UniqueFd control{::socket(AF_INET, SOCK_DGRAM, 0)};
  ifreq request{};
  std::strcpy(request.ifr_name, interface);
  std::memcpy(&request.ifr_ifru, &value, sizeof value);
  return ::ioctl(control.get(), what, &request) == 0;
}

/// Gives lo:1 this address and no other: on a loopback interface a whole network would be ours.
bool set_address(const char* address) {
  constexpr short kUp = IFF_UP | IFF_RUNNING;
  return tell("lo", SIOCSIFFLAGS, kUp) && tell("lo:1", SIOCSIFADDR, at(address)) &&
         tell("lo:1", SIOCSIFNETMASK, at("255.255.255.255"));
}

/// A connection from `own` to a listener on `peer`; both ends stay open.
struct Connection {
  UniqueFd listener{::socket(AF_INET, SOCK_STREAM, 0)};
  UniqueFd ours{::socket(AF_INET, SOCK_STREAM, 0)};

  bool make(const char* own, const char* peer) {
    sockaddr_in from = at(own);
    sockaddr_in to = at(peer);
    socklen_t size = sizeof to;
    auto* target = reinterpret_cast<sockaddr*>(&to);
    return ::bind(listener.get(), target, size) == 0 && ::listen(listener.get(), 1) == 0 &&
           ::getsockname(listener.get(), target, &size) == 0 &&
           ::bind(ours.get(), reinterpret_cast<sockaddr*>(&from), sizeof from) == 0 &&
           ::connect(ours.get(), target, size) == 0;
  }
};

TEST(LostAddress, AConnectionThatHasItsAddressHasNotLostIt) {
  Connection connection;
  ASSERT_TRUE(connection.make("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(has_lost_address(connection.ours.get()));
}

TEST(LostAddress, WhatIsNoConnectionHasNoneToLose) {
  EXPECT_FALSE(has_lost_address(-1));
  EXPECT_FALSE(has_lost_address(STDIN_FILENO));
}

enum ChangeOutcome : int { kHolds, kNotAllowed, kNoSetUp, kLostTooSoon, kNotSeen, kDead };

/// In a network of its own, so it leaves nothing behind.
ChangeOutcome change_address() {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return kNotAllowed;
  Connection connection;
  if (!set_address("10.1.1.1") || !connection.make("10.1.1.1", "127.0.0.1")) return kNoSetUp;
  if (has_lost_address(connection.ours.get())) return kLostTooSoon;
  if (!set_address("10.1.1.2")) return kNoSetUp;
  return has_lost_address(connection.ours.get()) ? kHolds : kNotSeen;
}

TEST(LostAddress, AnAddressThatWasReplacedIsLost) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(change_address());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const int outcome = WIFEXITED(status) ? WEXITSTATUS(status) : kDead;
  if (outcome == kNotAllowed) GTEST_SKIP() << "needs root or user namespaces";
  EXPECT_EQ(outcome, kHolds);
}

}  // namespace
}  // namespace reversi

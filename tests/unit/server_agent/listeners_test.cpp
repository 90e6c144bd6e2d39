#include "server/io/listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sstream>

#include <gtest/gtest.h>

#include "common/io/unique_fd.h"

namespace reversi::server {
namespace {

constexpr const char* kHeading =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n";

std::string row(const char* address, const char* state, int uid) {
  return std::string("   0: ") + address + " 00000000:0000 " + state +
         " 00000000:00000000 00:00000000 00000000 " + std::to_string(uid) + " 0 4711 1 0 100 0\n";
}

TEST(ParseListeners, ReadsOwnerInodeAndWhetherLocalhostLeadsThere) {
  std::istringstream table(kHeading + row("0100007F:4E21", "0A", 1000) +
                           row("00000000:4E21", "0A", 1001) + row("020200C0:4E21", "0A", 1002) +
                           row("0100007F:4E22", "0A", 1003));
  const auto found = parse_listeners(table, Family::v4, {20001});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0], (Listener{Family::v4, true, 20001, 1000, 4711}));
  EXPECT_TRUE(found[1].takes_localhost) << "0.0.0.0";
  EXPECT_FALSE(found[2].takes_localhost) << "192.0.2.2";
}

TEST(ParseListeners, ReadsBothLocalhostsOfIpv6) {
  std::istringstream table(kHeading + row("00000000000000000000000000000000:4E21", "0A", 1) +
                           row("00000000000000000000000001000000:4E21", "0A", 2) +
                           row("B80D0120000000000000000001000000:4E21", "0A", 3));
  const auto found = parse_listeners(table, Family::v6, {20001});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_TRUE(found[0].takes_localhost);
  EXPECT_TRUE(found[1].takes_localhost);
  EXPECT_FALSE(found[2].takes_localhost);
}

TEST(ParseListeners, StopsAtTheFirstConnectionAndSkipsNonsense) {
  std::istringstream table(kHeading + std::string("nonsense\n\n0: 1:2:3 x 0A\n") +
                           row("0100007F:4E21", "0A", 1) + row("0100007F:4E21", "01", 2) +
                           row("0100007F:4E21", "0A", 3));
  const auto found = parse_listeners(table, Family::v4, {20001});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().uid, 1U);
}

TEST(ListenersOn, SeesOurOwnListener) {
  const UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  ASSERT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto found = listeners_on({ntohs(address.sin_port)});
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().uid, ::geteuid());
  EXPECT_TRUE(found->front().takes_localhost);
  EXPECT_NE(found->front().inode, 0U);
}

}  // namespace
}  // namespace reversi::server

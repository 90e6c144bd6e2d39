#include "server/io/session_progress.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include <gtest/gtest.h>

#include "common/io/unique_fd.h"

namespace reversi::server {
namespace {

TEST(ParseSshConnection, ReadsBothEnds) {
  const auto connection = parse_ssh_connection("2001:db8::5 50122 2001:db8::1 22");
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->client_address, "2001:db8::5");
  EXPECT_EQ(connection->client_port, 50122);
  EXPECT_EQ(connection->server_port, 22);
}

TEST(ParseSshConnection, TakesNothingElse) {
  for (const char* text : {"", "1.2.3.4", "1.2.3.4 x 5.6.7.8 22", "1.2.3.4 70000 5.6.7.8 22",
                           "1.2.3.4 50122 5.6.7.8 0", " 50122 5.6.7.8 22"}) {
    EXPECT_FALSE(parse_ssh_connection(text)) << text;
  }
}

class LoopbackTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    const bool is_v4 = GetParam() == AF_INET;
    const UniqueFd listener{::socket(GetParam(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!listener) GTEST_SKIP() << "no such address family here";
    sockaddr_storage address{};
    socklen_t size = is_v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    address.ss_family = static_cast<sa_family_t>(GetParam());
    if (is_v4) {
      reinterpret_cast<sockaddr_in*>(&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr = in6addr_loopback;
    }
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener.get(), raw, size) != 0) GTEST_SKIP() << "no loopback address";
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    ASSERT_EQ(::getsockname(listener.get(), raw, &size), 0);
    client = UniqueFd{::socket(GetParam(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ASSERT_EQ(::connect(client.get(), raw, size), 0);
    server = UniqueFd{::accept(listener.get(), nullptr, nullptr)};
    ASSERT_TRUE(server);
    connection.server_address = connection.client_address = is_v4 ? "127.0.0.1" : "::1";
    connection.server_port = port_of(address);
    ASSERT_EQ(::getsockname(client.get(), raw, &size), 0);
    connection.client_port = port_of(address);
  }

  static Port port_of(const sockaddr_storage& address) {
    // sin_port and sin6_port are at the same place.
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }

  UniqueFd client;
  UniqueFd server;
  SshConnection connection;
};

TEST_P(LoopbackTest, CountsWhatTheServersEndReceived) {
  const auto before = session_progress(connection);
  ASSERT_TRUE(before);
  ASSERT_EQ(::send(client.get(), "hello", 5, 0), 5);
  pollfd arrived{server.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&arrived, 1, 5000), 1);
  const auto after = session_progress(connection);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->bytes_received, before->bytes_received + 5);
  EXPECT_TRUE(is_progress(*before, *after));
}

TEST_P(LoopbackTest, SeesThatBytesOfOursAreOutstanding) {
  int small = 4096;
  ::setsockopt(client.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  const std::array<char, 4096> block{};
  while (::send(server.get(), block.data(), block.size(), MSG_DONTWAIT) > 0) {
  }
  const auto sample = session_progress(connection);
  ASSERT_TRUE(sample);
  EXPECT_TRUE(sample->has_unacked);
}

TEST_P(LoopbackTest, SaysNothingOfAConnectionThatDoesNotExist) {
  SshConnection other = connection;
  other.client_port = static_cast<Port>(connection.client_port == 1 ? 2 : 1);
  EXPECT_FALSE(session_progress(other));
  other.client_address = "not an address";
  EXPECT_FALSE(session_progress(other));
}

TEST_P(LoopbackTest, IsWhatTheDoctorTries) {
  EXPECT_EQ(can_tell_progress(), true) << "the tests above were told";
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, LoopbackTest, ::testing::Values(AF_INET, AF_INET6));

}  // namespace
}  // namespace reversi::server

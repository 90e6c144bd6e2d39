#include "common/io/tcp_progress.h"

#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

namespace reversi {
namespace {

namespace asio = boost::asio;

TEST(TcpProgress, CountsWhatThePeerAcknowledgedAndSent) {
  asio::io_context loop;
  asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket ours(loop), peer(loop);
  ours.connect(acceptor.local_endpoint());
  acceptor.accept(peer);
  const auto before = tcp_progress(ours.native_handle());
  ASSERT_TRUE(before);

  std::string text(1000, 'x');
  asio::write(ours, asio::buffer(text));
  asio::read(peer, asio::buffer(text));
  asio::write(peer, asio::buffer(text));
  asio::read(ours, asio::buffer(text));

  const auto after = tcp_progress(ours.native_handle());
  ASSERT_TRUE(after);
  EXPECT_EQ(after->bytes_received - before->bytes_received, 1000U);
  EXPECT_EQ(after->bytes_acked - before->bytes_acked, 1000U) << "the answer carried the ack";
  EXPECT_FALSE(after->has_unacked);
}

TEST(TcpProgress, KnowsNothingOfWhatIsNoTcpSocket) {
  EXPECT_FALSE(tcp_progress(0));
  EXPECT_FALSE(tcp_progress(-1));
}

}  // namespace
}  // namespace reversi

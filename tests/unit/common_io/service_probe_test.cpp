#include "common/io/service_probe.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "common/io/coro.h"

namespace reversi {
namespace {

using Outcome = ProbeAnswer::Outcome;

class ServiceProbeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
    client.connect(acceptor.local_endpoint());
    acceptor.accept(service);
  }
  ProbeAnswer ask(const Expect& expect, Millis limit = Millis{2000}) {
    ProbeAnswer answer;
    asio::co_spawn(
        loop, [&]() -> asio::awaitable<void> { answer = co_await exchange(client, expect, limit); },
        asio::detached);
    loop.restart();
    loop.run_for(std::chrono::seconds(5));
    return answer;
  }

  asio::io_context loop;
  asio::ip::tcp::socket client{loop};
  asio::ip::tcp::socket service{loop};
  const Expect banner{.kind = Expect::Kind::banner, .match = "SSH-2.0-"};
};

TEST_F(ServiceProbeTest, TheExpectedAnswerMatches) {
  asio::write(service, asio::buffer(std::string("SSH-2.0-x\r\n")));
  EXPECT_EQ(ask(banner).outcome, Outcome::match);
}

TEST_F(ServiceProbeTest, AnotherAnswerIsAMismatchWithItsText) {
  asio::write(service, asio::buffer(std::string("HTTP/1.1 400\r\n")));
  const ProbeAnswer answer = ask(banner);
  EXPECT_EQ(answer.outcome, Outcome::mismatch);
  EXPECT_NE(answer.reason.find("HTTP/1.1 400"), std::string::npos);
}

TEST_F(ServiceProbeTest, SilenceEndsAtTheLimit) {
  const ProbeAnswer answer = ask(banner, Millis{100});
  EXPECT_EQ(answer.outcome, Outcome::silence);
  EXPECT_GE(answer.elapsed, Millis{99});
}

TEST_F(ServiceProbeTest, AClosedConnectionIsAMismatch) {
  service.close();
  EXPECT_EQ(ask(banner).outcome, Outcome::mismatch);
}

TEST_F(ServiceProbeTest, AResetIsBroken) {
  service.set_option(asio::socket_base::linger(true, 0));
  service.close();
  EXPECT_EQ(ask(banner).outcome, Outcome::broken);
}

TEST_F(ServiceProbeTest, ConnectAsksForNothing) {
  EXPECT_EQ(ask({}).outcome, Outcome::match);
}

}  // namespace
}  // namespace reversi

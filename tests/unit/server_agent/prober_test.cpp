#include "server/io/prober.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include "common/io/clock.h"
#include "common/io/unique_fd.h"

namespace reversi::server {
namespace {

/// A listener that is not sshd's, and a session that moves or does not, as the test says.
class ProberTest : public ::testing::Test {
 protected:
  using Millis = reversi::Millis;

  void listen(int backlog) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener.get(), raw, size), 0);
    ASSERT_EQ(::listen(listener.get(), backlog), 0);
    ASSERT_EQ(::getsockname(listener.get(), raw, &size), 0);
    job.port = ntohs(address.sin_port);
  }

  /// Until the kernel takes no further connection.
  void fill_backlog() {
    for (int i = 0; i < 8; ++i) {
      UniqueFd client{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(job.port);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      ::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
      users.push_back(std::move(client));
    }
  }

  void accept_all() {
    // Room for all: those that still knock must not take the place of the probe.
    ASSERT_EQ(::listen(listener.get(), 64), 0);
    ASSERT_EQ(::fcntl(listener.get(), F_SETFL, O_NONBLOCK), 0);
    for (;;) {
      UniqueFd taken{::accept(listener.get(), nullptr, nullptr)};
      if (!taken) return;
      users.push_back(std::move(taken));
    }
  }

  void probe() {
    boost::asio::co_spawn(loop, prober.run(job),
                          [this](std::exception_ptr failed, ProbeReport done) {
                            ASSERT_FALSE(failed);
                            report = std::move(done);
                            loop.stop();
                          });
    loop.run_for(std::chrono::seconds(20));
  }

  UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::vector<UniqueFd> users;
  boost::asio::io_context loop;
  std::optional<ExpectProbe> announced;
  int slow_count = 0;
  std::function<void()> when_slow = [] {};
  bool moves = false;
  Millis quiet_factor{1};
  StartProbe job{.forward = "ssh", .port = 0, .expect = {}, .limit = Millis{200}, .refusal = {}};
  std::optional<ProbeReport> report;
  Prober prober{loop.get_executor(),
                ::geteuid(),
                {.announce = [this](const ExpectProbe& each) { announced = each; },
                 .slow =
                     [this](const std::string&) {
                       ++slow_count;
                       when_slow();
                     },
                 .last_progress = [this] { return moves ? mono_now() : MonoTime{}; },
                 .quiet_limit = [this](Millis limit) { return limit * quiet_factor.count(); }}};
};

TEST_F(ProberTest, AFullBacklogOfASessionThatMovesIsSlowAndThenWhatItIs) {
  listen(0);
  fill_backlog();
  moves = true;
  // The kernel asks again after 1 s; by then there is room.
  when_slow = [this] {
    accept_all();
    prober.path_seen({announced->probe, TargetOutcome::refused});
  };
  probe();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sight, Sight::target_unreachable) << report->reason;
  EXPECT_EQ(slow_count, 1);
}

TEST_F(ProberTest, AFullBacklogOfASessionThatDoesNotMoveIsNoPath) {
  listen(0);
  fill_backlog();
  probe();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sight, Sight::no_path);
  EXPECT_NE(report->reason.find("does not accept within"), std::string::npos) << report->reason;
  EXPECT_EQ(slow_count, 0);
}

TEST_F(ProberTest, WithoutADescriptorThereIsNoProbe) {
  // UBSan looks at an object through a pipe, and takes it for a bad one when there can be none.
  if (REVERSI_IS_SANITIZED) GTEST_SKIP() << "needs a build without sanitizers";
  listen(4);
  const boost::asio::steady_timer with_reactor(loop);  // it takes its descriptors now
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  probe();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sight, Sight::not_probed) << report->reason;
}

TEST_F(ProberTest, APathThatIsLateIsWaitedForWhereProgressIsNotKnown) {
  listen(4);
  quiet_factor = Millis{50};
  when_slow = [this] {
    boost::asio::post(loop, [this] {
      prober.path_seen({announced->probe, TargetOutcome::refused});
    });
  };
  probe();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sight, Sight::target_unreachable) << report->reason;
  EXPECT_EQ(slow_count, 1);
}

}  // namespace
}  // namespace reversi::server

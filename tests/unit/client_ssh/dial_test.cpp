#include "client/ssh/dial.h"

#include <netdb.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace {

/// What the name servers say: nothing, until they are told to.
struct SilentServers {
  std::mutex mutex;
  std::condition_variable news;
  bool speak = false;
  std::vector<std::string> asked;

  int answer(const char* name) {
    std::unique_lock lock(mutex);
    asked.emplace_back(name);
    news.wait(lock, [this] { return speak; });
    return EAI_NONAME;
  }
  void answer_all() {
    const std::lock_guard lock(mutex);
    speak = true;
    news.notify_all();
  }
};

SilentServers& servers() {
  static SilentServers the_servers;
  return the_servers;
}

}  // namespace

/// In place of the C library's. Numeric addresses never come here (resolve()).
extern "C" int getaddrinfo(const char* node, const char* /*service*/, const addrinfo* /*hints*/,
                           addrinfo** /*found*/) {
  return servers().answer(node);
}

namespace reversi {
namespace {

TEST(Dial, ANameServerThatIsSilentHoldsNobodyBeyondTheLimitAndWhoGaveUpIsNotLookedUp) {
  boost::asio::io_context loop{1};
  std::vector<Errc> ends;
  const auto dial_name = [&](const char* name, Millis limit) {
    boost::asio::co_spawn(
        loop,
        [&ends, name, limit]() -> boost::asio::awaitable<void> {
          Endpoint to{name,
                      1};  // g++ 12 destroys the parts of a braced value around a co_await twice
          const auto dialed = co_await dial(std::move(to), limit);
          ends.push_back(dialed ? Errc::io : dialed.error().code());
        },
        boost::asio::detached);
  };
  dial_name("first.test", Millis{200});
  dial_name("second.test", Millis{200});  // in line behind it
  const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (ends.size() < 2 && std::chrono::steady_clock::now() < latest) {
    loop.run_one_for(std::chrono::seconds{1});
  }
  EXPECT_EQ(ends, (std::vector{Errc::timeout, Errc::timeout}));

  dial_name("third.test", Millis{20'000});
  servers().answer_all();
  loop.run();
  EXPECT_EQ(servers().asked, (std::vector<std::string>{"first.test", "third.test"}));
  EXPECT_EQ(ends.back(), Errc::not_found);
}

}  // namespace
}  // namespace reversi

#include "client/io/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>
#include <future>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/io/files.h"
#include "tests/support/scratch_dir.h"

namespace reversi::client {
namespace {

class ControlSocketTest : public ::testing::Test {
 protected:
  void open(const std::string& where) {
    run_dir = where;
    auto opened = ControlSocket::open(loop.get_executor(), run_dir, [](const std::string& request) {
      return Json{{"ok", true}, {"echo", request}};
    });
    ASSERT_TRUE(opened) << opened.error().line();
    control = *std::move(opened);
  }
  /// Asks from another thread while the loop runs here.
  Result<Json> ask(const std::string& request) {
    auto answer = std::async(std::launch::async, [&] {
      auto result = ask_supervisor(run_dir, request, Millis{4000});
      loop.stop();
      return result;
    });
    loop.restart();
    loop.run_for(std::chrono::seconds{5});
    return answer.get();
  }

  reversi::testing::ScratchDir dir;
  std::string run_dir;
  boost::asio::io_context loop{1};
  std::unique_ptr<ControlSocket> control;
};

TEST_F(ControlSocketTest, ARequestIsAnswered) {
  open(dir.path());
  const auto answer = ask("status");
  ASSERT_TRUE(answer) << answer.error().line();
  EXPECT_EQ(answer->at("echo"), "status");
}

TEST_F(ControlSocketTest, OnlyItsOwnerMayConnect) {
  open(dir.path());
  struct stat info {};
  ASSERT_EQ(::stat((dir.path() + "/control.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(ControlSocketTest, APathLongerThanASocketAddressWorks) {
  const std::string deep = dir.path() + "/" + std::string(150, 'x');
  std::filesystem::create_directory(deep);
  open(deep);
  const auto answer = ask("stop");
  ASSERT_TRUE(answer) << answer.error().line();
  EXPECT_EQ(answer->at("echo"), "stop");
}

TEST_F(ControlSocketTest, WhatWasLeftBehindIsReplaced) {
  ASSERT_TRUE(write_file(dir.path() + "/control.sock", "", 0600, Sync::none));
  open(dir.path());
  EXPECT_TRUE(ask("status"));
}

TEST_F(ControlSocketTest, NobodyThereIsNotFound) {
  const auto answer = ask_supervisor(dir.path(), "status", Millis{100});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::not_found);
}

TEST_F(ControlSocketTest, ASupervisorThatHangsIsGivenUp) {
  open(dir.path());
  const auto answer = ask_supervisor(dir.path(), "status", Millis{100});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::timeout);
}

}  // namespace
}  // namespace reversi::client

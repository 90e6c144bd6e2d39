#include "client/io/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "common/io/platform.h"

namespace reversi::client {
namespace {

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

UniqueFd connect_to_manager(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';  // Linux's abstract namespace
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  UniqueFd fd = open_socket(AF_UNIX, SOCK_DGRAM);
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return {};
  return fd;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  ServiceManager manager;
  manager.socket_ = connect_to_manager(take_variable("NOTIFY_SOCKET"));
  const Millis limit{number(take_variable("WATCHDOG_USEC")) / 1000};
  const std::string pid = take_variable("WATCHDOG_PID");
  const bool is_for_us = pid.empty() || number(pid) == ::getpid();
  if (manager.socket_ && is_for_us && limit > Millis{0}) manager.alive_every_ = limit / 2;
  return manager;
}

void ServiceManager::ready() {
  if (!said_ready_) said_ready_ = send("READY=1");
}
void ServiceManager::stopping() {
  send("STOPPING=1");
}
void ServiceManager::alive() {
  if (alive_every_) send("WATCHDOG=1");
}

void ServiceManager::status(const std::string& line) {
  if (line != last_status_ && send("STATUS=" + line)) last_status_ = line;
}

bool ServiceManager::send(const std::string& text) {
  // A manager that does not read is not worth waiting for.
  return !socket_ || send_now(socket_.get(), text) >= 0;
}

}  // namespace reversi::client

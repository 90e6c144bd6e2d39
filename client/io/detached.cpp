#include "client/io/detached.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "common/io/system_error.h"
#include "common/io/unique_fd.h"

namespace reversi::client {
namespace {

constexpr const char* kNullDevice = "/dev/null";
constexpr int kCannotStart = 127;  // as a shell has it

[[noreturn]] void become(std::vector<char*>& words) {
  const int null = ::open(kNullDevice, O_RDWR);
  const bool ok = ::setsid() >= 0 && ::chdir("/") == 0 && null >= 0 &&
                  ::dup2(null, STDIN_FILENO) >= 0 && ::dup2(null, STDOUT_FILENO) >= 0 &&
                  ::dup2(null, STDERR_FILENO) >= 0;
  const int end = end_of_descriptors();
  for (int fd = STDERR_FILENO + 1; fd < end; ++fd) ::close(fd);
  if (ok) ::execv(words.front(), words.data());
  ::_exit(kCannotStart);
}

}  // namespace

Result<Detached> Detached::start(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errno_error(errno, "fork"));
  if (pid == 0) become(words);
  return Detached(pid);
}

std::optional<int> Detached::exit_code() {
  int status = 0;
  if (!code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return code_;
}

}  // namespace reversi::client

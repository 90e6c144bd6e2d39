#include "server/io/trial_sshd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "common/io/system_error.h"

namespace reversi::server {
namespace {

constexpr int kBacklog = 8;
constexpr int kMostConnections = 32;  // a proof makes two

/// In the acceptor: no memory is taken, no lock is wanted.
[[noreturn]] void serve(int listener, pid_t parent, char* const* words) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::signal(SIGCHLD, SIG_DFL);
  for (int served = 0; served < kMostConnections; ++served) {
    const int connection = ::accept(listener, nullptr, nullptr);
    if (connection < 0 && errno == EINTR) continue;
    if (connection < 0) ::_exit(1);
    if (::fork() == 0) {
      ::dup2(connection, STDIN_FILENO);
      ::dup2(connection, STDOUT_FILENO);
      ::close(connection);
      ::close(listener);
      ::execv(words[0], words);
      ::_exit(127);
    }
    ::close(connection);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
  ::_exit(0);
}

}  // namespace

Result<std::string> find_sshd() {
  for (const char* path : {"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"}) {
    if (::access(path, X_OK) == 0) return std::string(path);
  }
  return fail(Errc::not_found,
              "no sshd in /usr/sbin, /usr/local/sbin or /usr/bin; install OpenSSH");
}

Result<TrialPort> listen_on_free_port() {
  UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  const bool good = listener && ::bind(listener.get(), any, size) == 0 &&
                    ::listen(listener.get(), kBacklog) == 0 &&
                    ::getsockname(listener.get(), any, &size) == 0;
  if (!good) return fail(errno_error(errno, "a free port of 127.0.0.1"));
  return TrialPort{std::move(listener), ntohs(address.sin_port)};
}

Result<TrialSshd> TrialSshd::start(const std::string& sshd, const std::string& config,
                                   const std::string& log) {
  auto free = listen_on_free_port();
  if (!free) return fail(free.error());
  std::array<std::string, 6> text{sshd, "-i", "-f", config, "-E", log};
  std::array<char*, 7> words{};
  for (std::size_t i = 0; i < text.size(); ++i) words[i] = text[i].data();
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) serve(free->listener.get(), parent, words.data());
  if (child < 0) return fail(errno_error(errno, "fork"));
  return TrialSshd(child, free->port);
}

TrialSshd::TrialSshd(TrialSshd&& other) noexcept
    : acceptor_(std::exchange(other.acceptor_, -1)), port_(other.port_) {}

TrialSshd::~TrialSshd() {
  if (acceptor_ <= 0) return;
  ::kill(acceptor_, SIGKILL);
  while (::waitpid(acceptor_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace reversi::server

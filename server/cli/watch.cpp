#include "server/cli/watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "common/cli/terminal.h"
#include "common/io/clock.h"
#include "common/io/unique_fd.h"
#include "server/cli/admin.h"

namespace reversi::server {
namespace {

constexpr Millis kInterval{2000};
// Another screen without a cursor and without wrapped lines, and back: what stood there before is there again.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l";
constexpr std::string_view kLeave = "\x1b[?7h\x1b[?25h\x1b[?1049l";

class Screen {
 public:
  explicit Screen(bool is_tty) : is_tty_(is_tty) { say(kEnter); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen() { say(kLeave); }

 private:
  void say(std::string_view text) const {
    if (is_tty_) print(std::string(text));
    std::fflush(stdout);
  }
  bool is_tty_;
};

/// The text over what was drawn before, without a flash of emptiness.
std::string redraw(const std::string& text, std::size_t rows) {
  std::string out = "\x1b[H";
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  const std::size_t shown = lines <= rows - 1 ? lines : rows - 2;
  std::size_t at = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    const std::size_t end = text.find('\n', at);
    out += text.substr(at, end - at) + "\x1b[K\n";
    at = end + 1;
  }
  if (shown < lines) {
    out += "… " + std::to_string(lines - shown) +
           " lines more: --state, --match, --sort state\x1b[K\n";
  }
  return out + "\x1b[J";
}

/// True when a signal other than a change of size has come; waits for one until the deadline.
bool is_over(int signals, MonoTime deadline) {
  for (;;) {
    const Millis left = deadline - mono_now();
    pollfd waiting{signals, POLLIN, 0};
    if (left <= Millis{0} || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0) return false;
    signalfd_siginfo info{};
    if (::read(signals, &info, sizeof info) != sizeof info) continue;
    return info.ssi_signo != SIGWINCH;
  }
}

}  // namespace

Result<void> watch(const std::function<Result<std::string>()>& draw, bool is_for_people) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) ::sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // a reader that went away must not keep the screen from us
  const UniqueFd signals{::signalfd(-1, &set, SFD_CLOEXEC)};
  if (!signals) return fail(Errc::io, "signalfd failed");
  const bool has_screen = is_for_people && terminal_of(STDOUT_FILENO).is_tty;
  const Screen screen(has_screen);
  bool is_first = true;
  for (;;) {
    const auto text = draw();
    if (!text) return fail(text.error());
    if (has_screen) {
      print(redraw(*text, std::max<std::size_t>(terminal_of(STDOUT_FILENO).rows, 4)));
    } else {
      print((is_first ? "" : "\n") + *text);
    }
    is_first = false;
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      if (errno == EPIPE) std::clearerr(stdout);  // nobody reads any more, and nothing is missing
      return {};
    }
    if (is_over(signals.get(), mono_now() + kInterval)) return {};
  }
}

}  // namespace reversi::server

#include "client/worker/examine.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>

#include "client/core/client_config.h"
#include "client/core/doctor.h"
#include "client/core/learned.h"
#include "client/ssh/connect.h"
#include "client/ssh/dial.h"
#include "client/ssh/keys.h"
#include "client/worker/exec_channel.h"
#include "client/worker/run_as.h"
#include "client/worker/target_connect.h"
#include "common/core/exit_code.h"
#include "common/io/coro.h"
#include "common/io/files.h"
#include "common/io/log.h"
#include "common/io/service_probe.h"
#include "common/io/system_error.h"

namespace reversi::worker {
namespace {

using client::ExamStep;
using TimePoint = std::chrono::steady_clock::time_point;

// At worst a name, a login of two stages that gets no answer, and a bare connection: 4 + 3 × 5.5 + 4 s.
constexpr Millis kResolveLimit{4000};
constexpr Millis kStageLimit{5500};
constexpr Millis kBannerLimit{4000};
constexpr Millis kAgentLimit{3000};
constexpr Millis kTargetLimit{5000};
constexpr unsigned kLongestSeconds = 27;
constexpr std::size_t kMostConfigBytes = 256 * 1024;
constexpr std::size_t kMostBannerBytes = 255;

/// At once, so that whoever ends us has what was found so far.
void tell(ExamStep step, const std::string& about, bool is_good, const std::string& text) {
  std::fputs(client::encode({step, about, is_good, printable(text, 1000)}).c_str(), stdout);
  std::fflush(stdout);
}

/// A datagram socket sends nothing when it connects: the kernel only looks for the way.
Result<void> find_route(const asio::any_io_executor& executor,
                        const std::vector<asio::ip::tcp::endpoint>& addresses) {
  boost::system::error_code ec;
  for (const auto& address : addresses) {
    asio::ip::udp::socket socket(executor);
    socket.connect({address.address(), address.port()}, ec);
    if (!ec) return {};
  }
  return fail(Errc::io, ec.message());
}

/// What the peer says first.
asio::awaitable<Result<std::string>> read_banner(asio::ip::tcp::socket& socket) {
  using namespace asio::experimental::awaitable_operators;
  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + kBannerLimit;
  asio::steady_timer timer(socket.get_executor(), deadline);
  std::array<char, kMostBannerBytes> chunk;
  while (text.find('\n') == std::string::npos && text.size() < kMostBannerBytes) {
    const auto read = co_await (socket.async_read_some(asio::buffer(chunk), kAsResult) ||
                                timer.async_wait(kAsResult));
    if (read.index() == 1) break;
    const auto& [ec, size] = std::get<0>(read);
    if (ec) break;
    text.append(chunk.data(), size);
  }
  text.resize(std::min(text.find_first_of("\r\n"), text.size()));
  if (text.starts_with("SSH-")) co_return text;
  co_return fail(Errc::protocol,
                 text.empty() ? "it says nothing"
                              : "it is no SSH server; it says \"" + printable(text, 60) + '"');
}

/// One server, from its name to its agent.
class ServerExam {
 public:
  /// `identities`: none of them can be used if it is empty; they live as long as this.
  ServerExam(const client::ClientConfig& config, const client::ServerConfig& server,
             const std::vector<Identity>& identities, bool starts_agent)
      : config_(config),
        server_(server),
        about_(format_endpoint(server.endpoint)),
        identities_(identities),
        starts_agent_(starts_agent) {
    auto pinned = PinnedKeys::load(
        {config.known_hosts_file, client::learned_known_hosts_file(config.state_dir)},
        server.endpoint);
    const bool is_known = pinned && pinned->knows_server();
    tell(ExamStep::known_hosts, about_, is_known,
         !pinned    ? pinned.error().line()
         : is_known ? config.known_hosts_file
                    : config.known_hosts_file + " has no line for it");
    if (is_known) pinned_ = *std::move(pinned);
  }

  asio::awaitable<void> run() {
    const bool has_way = co_await find_way();
    if (!has_way) co_return;
    // One login tells all; only where it cannot be, or got no answer, a bare connection tells how far it comes: sshd
    // 9.8 and later take those amiss.
    if (identities_.empty() || !pinned_) co_return co_await look_at_port();
    const client::Start start{.server = server_.endpoint,
                              .user = server_.user,
                              .identity_file = config_.identity_file,
                              .known_hosts_files = {},
                              .run_as = {},
                              .connect_limit = kStageLimit,
                              .agent = config_.agent,
                              .command = {}};
    auto open = co_await open_session(start, *pinned_, identities_);
    if (!open) co_return co_await explain(open.error());
    good(ExamStep::connect, format_endpoint(open->address));
    const char* banner = ssh_get_serverbanner(open->loop->session());
    good(ExamStep::banner, banner != nullptr ? banner : "");
    good(ExamStep::host_key, open->host_key);
    good(ExamStep::login, "as " + server_.user);
    if (config_.agent && starts_agent_) co_await try_agent(*open->loop);
  }

 private:
  void good(ExamStep step, const std::string& text) { tell(step, about_, true, text); }
  void bad(ExamStep step, const std::string& text) { tell(step, about_, false, text); }

  asio::awaitable<bool> find_way() {
    const auto executor = co_await asio::this_coro::executor;
    const auto addresses =
        co_await resolve(server_.endpoint, std::chrono::steady_clock::now() + kResolveLimit);
    if (!addresses) {
      bad(ExamStep::resolve, addresses.error().line());
      co_return false;
    }
    std::string text;
    for (const auto& address : *addresses) {
      text += (text.empty() ? "" : ", ") + address.address().to_string();
    }
    good(ExamStep::resolve, text);
    const auto route = find_route(executor, *addresses);
    tell(ExamStep::route, about_, route.has_value(), route ? "" : route.error().line());
    co_return route.has_value();
  }

  asio::awaitable<void> look_at_port() {
    auto dialed = co_await dial(server_.endpoint, kStageLimit);
    if (!dialed) co_return bad(ExamStep::connect, dialed.error().line());
    good(ExamStep::connect, format_endpoint(dialed->address));
    const auto banner = co_await read_banner(dialed->socket);
    tell(ExamStep::banner, about_, banner.has_value(), banner ? *banner : banner.error().line());
  }

  asio::awaitable<void> explain(client::Failed failed) {
    using client::Failure;
    if (failed.failure == Failure::no_answer) co_return co_await look_at_port();
    good(ExamStep::connect, "");
    good(ExamStep::banner, "");
    const bool is_login = failed.failure == Failure::key_refused ||
                          failed.text.starts_with("login: ") ||
                          failed.text.starts_with("no answer to the login");
    if (is_login) good(ExamStep::host_key, "as pinned");
    bad(is_login ? ExamStep::login : ExamStep::host_key, failed.text);
  }

  asio::awaitable<void> try_agent(SessionLoop& loop) {
    const auto deadline = std::chrono::steady_clock::now() + kAgentLimit;
    std::string said;
    ExecChannel exec(loop, {.line =
                                [&said](std::string_view line) {
                                  if (said.empty()) said = printable(line, 100);
                                },
                            .has_room = [] { return true; }});
    const auto opened = co_await exec.open(ExecChannel::kAgentCommand, deadline);
    if (!opened) co_return bad(ExamStep::agent, opened.error().line());
    exec.close_input();
    loop.settle();
    loop.on_turn([&exec] { exec.service(); });
    // An agent that loses its input without a hello ends its session, too: no exit code comes then.
    bool is_in_time = true;
    // The code may come before the last words.
    while (is_in_time && !loop.is_over() && !(exec.exit_status() && exec.is_over())) {
      is_in_time = co_await loop.turn_before(deadline);
      exec.service();
    }
    loop.on_turn({});
    const int status = exec.exit_status().value_or(0);
    const std::string& complaint = exec.last_error_line();
    const bool has_ended = is_in_time || exec.exit_status();
    if (!has_ended) co_return bad(ExamStep::agent, "the forced command does not end: no agent");
    if (status == 0 && !complaint.starts_with("reversi-server:")) {
      co_return good(ExamStep::agent, "starts");
    }
    bad(ExamStep::agent, "the forced command ends with exit code " + std::to_string(status) + ": " +
                             (complaint.empty() ? said : complaint));
  }

  const client::ClientConfig& config_;
  const client::ServerConfig& server_;
  std::string about_;
  const std::vector<Identity>& identities_;
  bool starts_agent_;
  std::optional<PinnedKeys> pinned_;
};

asio::awaitable<void> examine_target(const client::ForwardConfig& forward) {
  auto connection = co_await connect_target(forward.target, kTargetLimit);
  const std::string target = format_target(forward.target);
  if (connection.outcome != TargetOutcome::ok) {
    co_return tell(ExamStep::target, forward.name, false, connection.error);
  }
  // It may be a unix socket; what is written and read is the same.
  asio::ip::tcp::socket socket(co_await asio::this_coro::executor, asio::ip::tcp::v4(),
                               connection.socket.release());
  const Expect expect = forward.expect.value_or(Expect{});
  const ProbeAnswer answer = co_await exchange(socket, expect, kTargetLimit);
  const bool is_good = answer.outcome == ProbeAnswer::Outcome::match;
  tell(ExamStep::target, forward.name, is_good,
       target + (is_good ? " answers as expected" : ": " + answer.reason));
}

Result<client::ClientConfig> read_config(const std::string& file) {
  std::error_code failed;
  const auto path = std::filesystem::absolute(file, failed).lexically_normal();
  const auto real = std::filesystem::canonical(path, failed);
  if (failed) return fail(errno_error(failed.value(), file));
  return read_file(real.string(), kMostConfigBytes).and_then([&](const std::string& text) {
    return client::parse_client_config(text, path.parent_path().string());
  });
}

std::string describe(ssh_key key) {
  return std::string(ssh_key_type_to_char(ssh_key_type(key))) + ' ' + fingerprint(key);
}

/// Each that is offered; those of a rotation with their file.
std::string describe(const std::vector<Identity>& identities, const std::string& configured) {
  std::string text;
  for (const Identity& each : identities) {
    text += (text.empty() ? "" : ", ") + describe(each.key.get());
    if (each.file != configured) text += " (" + each.file + ')';
  }
  return text;
}

Result<void> examine(const char* config_file, bool starts_agent) {
  const auto config = read_config(config_file);
  if (!config) return fail(config.error());
  ssh_init();
  auto loaded = load_identities(config->identity_file);
  tell(ExamStep::key, {}, loaded.has_value(),
       loaded ? describe(*loaded, config->identity_file) : loaded.error().line());
  const std::vector<Identity> identities = loaded ? *std::move(loaded) : std::vector<Identity>{};
  asio::io_context io{1};
  std::vector<std::unique_ptr<ServerExam>> servers;
  for (const client::ServerConfig& server : config->servers) {
    servers.push_back(std::make_unique<ServerExam>(*config, server, identities, starts_agent));
  }
  if (!config->user.empty() && ::geteuid() == 0) {
    if (auto ok = run_as(config->user); !ok) return ok;
  }
  for (auto& server : servers) asio::co_spawn(io, server->run(), kOrThrow);
  for (const client::ForwardConfig& forward : config->forwards) {
    asio::co_spawn(io, examine_target(forward), kOrThrow);
  }
  io.run();
  // As in worker_main(): the resolver's thread may hang for longer than anybody waits.
  std::fflush(nullptr);
  ::_exit(0);
}

}  // namespace

int examine_main(const char* config_file, bool starts_agent) {
  std::signal(SIGPIPE, SIG_IGN);
  ::alarm(
      kLongestSeconds);  // every wait above has its limit; this is for the one that was forgotten
  try {
    if (const auto log = start_log({.ident = "reversi-worker"}); !log) return 1;
    const auto done = examine(config_file, starts_agent);
    if (done) return 0;
    std::fprintf(stderr, "%s\n", done.error().line().c_str());
    return static_cast<int>(exit_code_of(done.error().code()));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reversi-worker: %s\n", printable(error.what(), 1000).c_str());
    return static_cast<int>(ExitCode::failed);
  }
}

}  // namespace reversi::worker

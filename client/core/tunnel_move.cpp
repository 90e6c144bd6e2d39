// Several servers: from a later one back to an earlier one, the new tunnel first, then the old one
// closed; and servers that are learned of.

#include <algorithm>

#include "client/core/tunnel_step.h"

namespace reversi::client {
namespace {

/// The old worker's canary listens until it has gone.
constexpr Millis kCanaryAfter{std::chrono::seconds{3}};

}  // namespace

/// Each of the earlier servers has its turn within the time.
void TunnelStep::try_earlier_server() {
  Session& s = *session();
  s.try_earlier_at = now_ + t_.policy.try_earlier / static_cast<int>(t_.server);
  actions_.push_back(action::TryServer{s.earlier++ % t_.server});
}

void TunnelStep::learn(const Connected& peer, const std::vector<std::string>& host_keys,
                       const std::vector<std::string>& servers) {
  if (host_keys.empty() && servers.empty()) return;
  actions_.push_back(
      action::Learn{{config().servers[t_.server], peer.host_key_line, host_keys, servers}});
}

/// What is known of each server goes with it to its new place.
void TunnelStep::on(const event::ServersLearned& event) {
  const std::vector<ServerConfig> before = config().servers;
  const ServerConfig used = before[t_.server];
  const ServerTries used_tries = t_.tries[t_.server];
  const std::vector<ServerConfig>& after = event.setup->config.servers;
  std::vector<ServerTries> tries(after.size());
  std::size_t server = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto found = std::ranges::find(before, after[i]);
    if (found == before.end()) continue;
    const auto at = static_cast<std::size_t>(found - before.begin());
    tries[i] = t_.tries[at];
    if (at == t_.server) server = i;
  }
  const bool is_gone = std::ranges::find(after, used) == after.end();
  t_.setup = event.setup;
  t_.tries = std::move(tries);
  t_.server = server;
  if (!is_gone) return;
  // The one in use stays to the end of the session, and is left like any later one.
  auto setup = std::make_shared<TunnelSetup>(*event.setup);
  setup->config.servers.push_back(used);
  ++setup->learned;
  t_.setup = std::move(setup);
  t_.tries.push_back(used_tries);
  t_.server = t_.tries.size() - 1;
}

std::shared_ptr<const TunnelSetup> setup_for(const TunnelSetup& setup, std::size_t server) {
  auto only = std::make_shared<TunnelSetup>(setup);
  only->config.servers = {setup.config.servers[server]};
  only->config.canary.reset();  // its port is the present tunnel's
  return only;
}

Tunnel take_over(Tunnel candidate, const Tunnel& former, std::size_t server, MonoTime now) {
  candidate.setup = former.setup;
  const ServerTries tries = candidate.tries.front();
  candidate.tries = former.tries;
  candidate.tries[server] = tries;
  candidate.server = server;
  candidate.began = former.began;
  candidate.starts += former.starts;
  candidate.look_at = now;  // only of the tunnel in use does a look tell the service manager that we live
  candidate.config_kept = former.config_kept;
  if (auto* ready = std::get_if<state::Ready>(&candidate.state)) {
    ready->session.try_earlier_at = now + candidate.policy.try_earlier;
    if (candidate.setup->config.canary) {
      ready->session.check_at = std::min(ready->session.check_at, now + kCanaryAfter);
    }
  }
  return candidate;
}

}  // namespace reversi::client

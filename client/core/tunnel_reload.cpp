// A new configuration: what it means for the session that there is.

#include "client/core/config_change.h"
#include "client/core/tunnel_step.h"

namespace reversi::client {
namespace {

/// A server that was learned, or forgotten, is no change by a person.
ClientConfig as_configured(const TunnelSetup& setup) {
  ClientConfig config = setup.config;
  config.servers.resize(config.servers.size() - setup.learned);
  return config;
}

}  // namespace

void TunnelStep::on(const event::Reload& event) {
  const bool fresh = needs_new_session(as_configured(*t_.setup), as_configured(*event.setup));
  t_.config_kept = false;
  if (fresh) {
    const bool running = has_worker() && !std::holds_alternative<state::Stopping>(t_.state);
    if (running) lose({LossKind::wanted, "the configuration changed", {}}, End::terminate);
    use(event.setup);
    if (auto* stopping = std::get_if<state::Stopping>(&t_.state)) stopping->retry_at = now_;
    if (auto* waiting = std::get_if<state::Waiting>(&t_.state)) waiting->retry_at = now_;
    return on(event::Tick{});
  }
  if (const std::string note = reload_note(t_, *event.setup); !note.empty()) warn(note);
  const auto before = t_.setup;
  on(event::ServersLearned{event.setup});
  for (const ForwardConfig& forward : config().forwards) {
    const ForwardConfig* old = find_forward(before->config, forward.name);
    const bool changed = old != nullptr && old->target != forward.target;
    if (changed && session() != nullptr) send(Retarget{forward.name, forward.target});
  }
  if (before->config.canary != config().canary) {
    t_.canary = {};
    open_canary_if_due();
  }
  if (Session* s = session()) s->check_at = now_;
  // Somebody mended something: a file that the configuration names, perhaps.
  if (std::holds_alternative<state::Waiting>(t_.state)) on(event::RestartRequest{});
}

std::string reload_note(const Tunnel& tunnel, const TunnelSetup& after) {
  const ClientConfig before = as_configured(*tunnel.setup);
  const bool is_between = std::holds_alternative<state::Waiting>(tunnel.state) ||
                          std::holds_alternative<state::Stopping>(tunnel.state);
  if (is_between || needs_new_session(before, as_configured(after))) return {};
  std::string keys;
  for (const std::string& key : keys_of_next_session(before, after.config)) {
    keys += (keys.empty() ? "" : ", ") + key;
  }
  return keys.empty() ? ""
                      : keys + ": in effect with the next session; restart-tunnel makes one now";
}

}  // namespace reversi::client
